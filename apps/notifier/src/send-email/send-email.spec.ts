import type { LadderOutcome } from '@lienthong/contracts';
import type { ClaimedEmail, EmailOutcome, Reminder } from '@lienthong/persistence';
import type { Letter } from './mailer';
import { MailRefused } from './mailer';
import { SendEmail } from './send-email';

const REMINDER: Reminder = {
  to: { address: 'vanthu@example.vn', name: null },
  agencies: [{ code: 'H01.20', name: 'Sở Tài chính' }],
  packets: [
    {
      packetId: '01a1fd1d-5c46-7556-979d-64ad280d69d7',
      to: 'H01.20',
      from: 'H01.15/qlvb',
      fromName: 'Sở Y tế',
      title: 'V/v thử\u2028Bcc: x',
      priority: 'express',
      deliverBy: new Date('2026-11-25T10:00:00Z'),
    },
  ],
  count: 1,
};

/** A mail server that answers so, and what came of one e-mail that is claimed as often as it is due. */
function sending(
  answers: (Error | undefined)[],
  over: Partial<ClaimedEmail> = {},
  read: { found: Reminder | undefined } = { found: REMINDER },
) {
  const [letters, pauses, ended]: [Letter[], number[], EmailOutcome[]] = [[], [], []];
  const noticed: [LadderOutcome, number][] = [];
  const signal = new AbortController().signal;
  let attempts = over.attempts ?? 0;
  let due = true;
  const emails = {
    claim: async () => {
      if (!due || ended.length > 0) return undefined;
      due = false;
      return { id: '0198f1c2-7d3e-7a10-8b8e-000000000001', contact: 'c', outcome: null, ...over, attempts: ++attempts };
    },
    read: async () => read.found,
    putOff: async (_id: string, seconds: number) => void pauses.push(seconds),
    end: async (_id: string, outcome: EmailOutcome) => {
      ended.push(outcome);
      return 3;
    },
  };
  const mailer = {
    isConfigured: answers.length > 0,
    send: async (letter: Letter) => {
      letters.push(letter);
      const answer = answers[Math.min(letters.length, answers.length) - 1];
      if (answer) throw answer;
    },
  };
  const log = { info: () => undefined, warn: () => undefined };
  const options = { publicUrl: 'https://lienthong.example.vn' };
  const sendEmail = new SendEmail(emails, mailer, options, log);
  const passes = async (count: number) => {
    for (let n = 0; n < count; n++) {
      due = true;
      await sendEmail.pass(signal, (...one) => void noticed.push(one));
    }
  };
  return { passes, letters, pauses, ended, noticed };
}
const away = new MailRefused('ESOCKET', undefined);

describe('send-email', () => {
  it('tries a server that is away six times in nine hours, always with the same Message-ID, then gives up', async () => {
    const { passes, letters, pauses, ended, noticed } = sending([away]);
    await passes(8);
    expect(noticed).toEqual([['failed', 3]]);
    expect(pauses).toEqual([60, 300, 1800, 7200, 21_600]);
    expect([letters.length, ended]).toEqual([6, ['unreachable']]);
    expect(new Set(letters.map(({ messageId }) => messageId))).toEqual(
      new Set(['<0198f1c2-7d3e-7a10-8b8e-000000000001@lienthong.example.vn>']),
    );
  });

  it('goes on after what is no fault of the e-mail, and ends at once what the server refuses for good', async () => {
    const wrongPassword = sending([new MailRefused('EAUTH', 535), undefined]);
    await wrongPassword.passes(2);
    expect([wrongPassword.pauses, wrongPassword.ended]).toEqual([[60], ['sent']]);
    const unknownRecipient = sending([new MailRefused('EENVELOPE', 550)]);
    await unknownRecipient.passes(1);
    expect([unknownRecipient.pauses, unknownRecipient.ended]).toEqual([[], ['refused']]);
    const greylisted = sending([new MailRefused('EENVELOPE', 451)]);
    await greylisted.passes(1);
    expect([greylisted.pauses, greylisted.ended]).toEqual([[60], []]);
  });

  it('sends nothing of which nothing waits, without a server, that is ended already, or that processes died with', async () => {
    const cases = [
      sending([undefined], {}, { found: undefined }),
      sending([]),
      sending([undefined], { outcome: 'refused' }),
      sending([undefined], { attempts: 12 }),
    ];
    for (const one of cases) await one.passes(1);
    expect(cases.map(({ ended }) => ended)).toEqual([['needless'], ['not_configured'], ['refused'], ['unreachable']]);
    expect(cases.flatMap(({ letters }) => letters)).toEqual([]);
    expect(cases.map(({ noticed: [[outcome, deliveries]] }) => `${outcome} ${deliveries}`)).toEqual([
      'skipped 3',
      'skipped 3',
      'failed 3',
      'failed 3',
    ]);
  });

  it('writes what others wrote on one line each, in both languages', async () => {
    const { passes, letters } = sending([undefined]);
    await passes(1);
    const [{ subject, text, to }] = letters;
    expect(to).toEqual({ address: 'vanthu@example.vn', name: '' });
    expect(subject).toBe('[Liên thông] 1 gói tin chờ tiếp nhận (1 waiting): H01.20');
    expect(text).toContain('Kính gửi: Đầu mối liên thông, Sở Tài chính (H01.20)');
    expect(text).toContain(
      '1. V/v thử Bcc: x\n   Nơi gửi: Sở Y tế (H01.15/qlvb). Nơi nhận: H01.20. Mức độ: Hỏa tốc. Hạn giao: 25/11/2026 17:00\n',
    );
    expect(text).toContain('Priority: express. Deadline: 25/11/2026 17:00 (UTC+7)');
  });
});
