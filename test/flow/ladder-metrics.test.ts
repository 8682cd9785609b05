import { randomBytes } from 'node:crypto';
import type { Priority } from '@lienthong/contracts';
import { eventually } from '../support/eventually';
import { sendInline } from '../support/exchange';
import { MailServer } from '../support/mail-server';
import { type Party, type Platform, startStandalone } from '../support/platform';
import { RawStream } from '../support/raw-stream';
import { WebhookReceiver } from '../support/webhook-receiver';

jest.setTimeout(120_000);

const DAY = 86_400_000;
const inTime = (ms: number): string => new Date(Date.now() + ms).toISOString();

describe('The metrics of the ladder', () => {
  const mail = new MailServer();
  let receiver: WebhookReceiver;
  let platform: Platform;
  let source: Party;
  /** What was counted before. */
  let before: Record<string, number>;

  beforeAll(async () => {
    await mail.start();
    receiver = await WebhookReceiver.start();
    platform = await startStandalone({
      SMTP_URL: mail.url,
      SMTP_FROM: 'lienthong@example.vn',
      // What is urgent is due for an e-mail at once, what is not never in the time of a test.
      LADDER_URGENT_AFTER_MINUTES: '0',
      DEADLINE_WATCH_SECONDS: '1',
      WEBHOOK_ALLOW_HTTP: 'true',
      WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1/32',
      WEBHOOK_RETRY_SECONDS: '1',
    });
    source = await platform.makeParty();
  });
  afterAll(async () => {
    await platform?.stop();
    await receiver?.stop();
    await mail.stop();
  });
  beforeEach(async () => (before = await counted()));

  /** `webhook told`: 3 and the like. */
  async function counted(): Promise<Record<string, number>> {
    const text = await (await fetch(`${platform.baseUrl}/metrics`)).text();
    const lines = text.matchAll(/^lienthong_ladder_total\{step="(\w+)",outcome="(\w+)"\} (\d+)$/gm);
    return Object.fromEntries([...lines].map(([, step, outcome, count]) => [`${step} ${outcome}`, Number(count)]));
  }
  /** Exactly these have grown, by so much. */
  const grownBy = (expected: Record<string, number>) =>
    eventually(async () => {
      const now = await counted();
      const grown = Object.entries(now).filter(([what, count]) => count !== before[what]);
      expect(Object.fromEntries(grown.map(([what, count]) => [what, count - before[what]]))).toEqual(expected);
      return true;
    });
  const send = async (to: Party, count: number, priority: Priority = 'normal'): Promise<string[]> => {
    const sent: string[] = [];
    for (let n = 0; n < count; n += 1) sent.push((await sendInline(source, to, { priority })).packetId);
    return sent;
  };
  const withContact = async (): Promise<Party> => {
    const party = await platform.makeParty();
    const email = `vanthu-${randomBytes(5).toString('hex')}@example.vn`;
    await platform.admin.admin.agencies.change(party.agencyCode, { contact: { email } });
    return party;
  };

  it('have every step and outcome from the start, with 0, and no label of a system', async () => {
    expect(before).toEqual({
      'stream told': 0,
      'webhook told': 0,
      'webhook failed': 0,
      'email told': 0,
      'email failed': 0,
      'email skipped': 0,
      'reminder told': 0,
      'reminder failed': 0,
      'reminder skipped': 0,
    });
    const text = await (await fetch(`${platform.baseUrl}/metrics`)).text();
    expect(text.match(/^lienthong_ladder_total/gm)).toHaveLength(Object.keys(before).length);
  });

  it('count the deliveries that an acknowledgement on the stream makes notified, each once', async () => {
    const party = await platform.makeParty();
    const sent = await send(party, 3);
    const stream = await RawStream.of(platform.baseUrl, party);
    const { offset } = await stream.event(sent[2], 'packet.available');
    stream.ack(offset);
    stream.ack(offset);
    await grownBy({ 'stream told': 3 });
    await stream.close();
  });

  it('count the deliveries that a webhook told of, and once each that it could not at first', async () => {
    const party = await platform.makeParty();
    await party.client.webhook.set({ url: receiver.url });
    receiver.answer = () => 500;
    const [first] = await send(party, 2);
    await eventually(() => receiver.events.length >= 3);
    await grownBy({ 'webhook failed': 1 });
    receiver.answer = () => 204;
    await receiver.answered(first);
    await grownBy({ 'webhook failed': 1, 'webhook told': 2 });
  });

  it('count the reminders that are due and the e-mails that went out', async () => {
    await send(await withContact(), 1, 'urgent');
    await grownBy({ 'reminder told': 1, 'email told': 1 });
  });

  it('count the e-mails that the mail server refused', async () => {
    mail.answer = 550;
    await send(await withContact(), 1, 'urgent');
    await grownBy({ 'reminder told': 1, 'email failed': 1 });
  });

  it('count the reminders that nobody could be sent, and those that wait for the service calendar', async () => {
    await send(await platform.makeParty(), 1, 'urgent');
    await grownBy({ 'reminder failed': 1 });
    const closed = await withContact();
    await closed.client.calendar.set({ maintenance: [{ from: inTime(-DAY), to: inTime(DAY) }] });
    await send(closed, 1, 'urgent');
    await grownBy({ 'reminder failed': 1, 'reminder skipped': 1 });
  });
});
