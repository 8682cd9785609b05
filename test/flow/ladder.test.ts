import { randomBytes } from 'node:crypto';
import type { PacketDelivery, Priority, TimelineEntry } from '@lienthong/contracts';
import { eventually } from '../support/eventually';
import { accept, deliveryId, packetIn, receiveOne, sendInline, waiting } from '../support/exchange';
import { MailServer, type ReceivedMail } from '../support/mail-server';
import { type Party, type Platform, startStandalone } from '../support/platform';

jest.setTimeout(120_000);

const DAY = 86_400_000;
const inTime = (ms: number): string => new Date(Date.now() + ms).toISOString();
const newAddress = (): string => `vanthu-${randomBytes(5).toString('hex')}@example.vn`;
const FROM = 'Nền tảng liên thông <lienthong@example.vn>';

describe('The ladder of reminders', () => {
  const mail = new MailServer();
  let platform: Platform;
  let source: Party;

  beforeAll(async () => {
    await mail.start();
    platform = await startStandalone({
      SMTP_URL: mail.url,
      SMTP_FROM: FROM,
      LADDER_URGENT_AFTER_MINUTES: '0',
      LADDER_REMINDERS: '2',
      DEADLINE_WATCH_SECONDS: '1',
    });
    source = await platform.makeParty();
  });
  afterAll(async () => {
    await platform?.stop();
    await mail.stop();
  });
  beforeEach(() => (mail.answer = 'take'));

  interface Destination extends Party {
    address: string;
  }
  /** An agency with a contact person whom no other test has. */
  async function newDestination(address = newAddress()): Promise<Destination> {
    const party = await platform.makeParty();
    await platform.admin.admin.agencies.change(party.agencyCode, {
      contact: { name: 'Nguyễn Thị Văn Thư', email: address },
    });
    return { ...party, address };
  }
  const send = (to: Party | Party[], priority: Priority = 'urgent', title = 'V/v báo cáo tháng 11') =>
    sendInline(source, to, { priority, title });
  const deliveryOf = async (packetId: string, on = source): Promise<PacketDelivery> =>
    (await on.client.packets.get(packetId)).recipients[0];
  const told = async (packetId: string, on = source): Promise<TimelineEntry[]> =>
    (await on.client.packets.get(packetId)).timeline.filter(({ event }) => event.endsWith('eminded'));
  const mailTo = (address: string, nth = 1): Promise<ReceivedMail> => eventually(() => mail.to(address)[nth - 1]);
  /** As if the time to the next reminder had passed, and that between two e-mails. */
  async function dueNow(...packets: { packetId: string }[]): Promise<void> {
    const ids = packets.map(({ packetId }) => packetId);
    for (const id of ids) await packetIn(source, id, 'scheduled');
    await platform.sql(`UPDATE mailed_contacts SET mailed_at = now() - interval '1 day'`);
    await platform.sql('UPDATE deliveries SET next_reminder_at = now() WHERE packet_id = ANY($1)', [ids]);
  }
  /** As if the pause after an attempt that failed were over. */
  const retryNow = () => platform.sql('UPDATE emails SET available_at = now()');

  describe('remind-destination, send-email', () => {
    it('write to the contact person of who has not fetched in time, and tell the timeline and when they do next', async () => {
      const destination = await newDestination();
      const { packetId } = await send(destination);
      const { headers, text, recipients } = await mailTo(destination.address);
      expect(recipients).toEqual([destination.address]);
      expect(headers.get('from')).toBe(FROM);
      expect(headers.get('to')).toBe(`Nguyễn Thị Văn Thư <${destination.address}>`);
      expect(headers.get('subject')).toBe(
        `[Liên thông] 1 gói tin chờ tiếp nhận (1 waiting): ${destination.agencyCode}`,
      );
      expect(headers.get('auto-submitted')).toBe('auto-generated');
      expect(text).toContain(`Kính gửi: Nguyễn Thị Văn Thư, Cơ quan thử nghiệm (${destination.agencyCode})`);
      expect(text).toContain('1. V/v báo cáo tháng 11\n   Nơi gửi: Cơ quan thử nghiệm');
      for (const words of ['Mức độ: Khẩn', packetId, source.systemId, platform.baseUrl, '1 packet sent to you was'])
        expect(text).toContain(words);
      expect(text).not.toMatch(/undefined|null|phieu\.txt/);

      const entry = await eventually(async () => (await told(packetId))[0]);
      expect(entry).toMatchObject({ event: 'delivery.reminded', detail: { reminder: 1 } });
      expect(entry.sentence.vi).toMatch(
        /^Đã gửi thư nhắc tới đầu mối của \S+ lúc \d\d:\d\d ngày [\d/]+; nếu chưa tải về sẽ nhắc tiếp lúc \d\d:\d\d ngày [\d/]+\.$/,
      );
      expect(JSON.stringify(entry)).not.toContain(destination.address);
      const { state, reminders, nextReminderAt } = await deliveryOf(packetId);
      expect([state, reminders]).toEqual(['pending', 1]);
      expect(Math.abs(Date.parse(nextReminderAt ?? '') - Date.now() - DAY)).toBeLessThan(60_000);
      expect(mail.to(destination.address)).toHaveLength(1);
    });

    it('go on after a day, as often as is set, and stop when it is fetched', async () => {
      const [silent, late] = [await newDestination(), await newDestination()];
      const [left, fetched] = [await send(silent), await send(late)];
      await Promise.all([mailTo(silent.address), mailTo(late.address)]);
      await eventually(async () => (await told(left.packetId)).length === 1);
      await receiveOne(late, fetched.packetId);
      await packetIn(source, fetched.packetId, 'completed');
      await platform.sql('UPDATE deliveries SET next_reminder_at = now() WHERE packet_id = $1', [fetched.packetId]);
      await dueNow(left);
      await mailTo(silent.address, 2);
      const entries = await eventually(async () => {
        const all = await told(left.packetId);
        return all.length === 2 && all;
      });
      expect(entries[1]).toMatchObject({ detail: { reminder: 2, nextReminderAt: null } });
      expect(entries[1].sentence.vi).toMatch(/^Đã gửi thư nhắc lần 2 tới .* ngày [\d/]+\.$/);
      expect(await deliveryOf(left.packetId)).toMatchObject({ reminders: 2, state: 'pending' });
      expect(await deliveryOf(left.packetId)).not.toHaveProperty('nextReminderAt');
      expect(mail.to(late.address)).toHaveLength(1);
      expect((await deliveryOf(fetched.packetId)).reminders).toBe(1);
    });

    it('put all that is due for one person into one e-mail, the most urgent first, of any agency, and no more before the pause is over', async () => {
      const address = newAddress();
      const [first, second] = [await newDestination(address), await newDestination(address.toUpperCase())];
      const sent = await Promise.all(
        Array.from({ length: 24 }, (_, n) => send(n % 2 ? first : second, 'normal', `V/v số ${n}`)),
      );
      const fetched = await send(first, 'normal', 'V/v đã tải về');
      const express = await sendInline(source, second, { title: 'V/v hỏa tốc', priority: 'normal' });
      await packetIn(source, express.packetId, 'scheduled');
      await platform.sql('UPDATE deliveries SET priority = 3 WHERE packet_id = $1', [express.packetId]);
      await first.client.deliveries.ready(await deliveryId(source, fetched.packetId, first));
      await dueNow(...sent, fetched, express);
      const { headers, text } = await mailTo(address);
      expect(headers.get('subject')).toContain('25 gói tin');
      for (const { agencyCode } of [first, second]) expect(headers.get('subject')).toContain(agencyCode);
      expect(text).toContain('1. V/v hỏa tốc');
      expect(text).toContain('20. V/v số');
      expect(text).not.toContain('21. V/v');
      expect(text).not.toContain('đã tải về\n');
      expect(text).toContain('Ngoài ra còn 5 gói tin khác.');
      for (const { packetId } of sent) await eventually(async () => (await told(packetId)).length === 1);
      expect(await told(fetched.packetId)).toEqual([]);

      const next = await send(first, 'urgent');
      const { nextReminderAt } = await eventually(async () => {
        const delivery = await deliveryOf(next.packetId);
        return Date.parse(delivery.nextReminderAt ?? '') > Date.now() + 10 * 60_000 && delivery;
      });
      expect(Date.parse(nextReminderAt ?? '')).toBeLessThan(Date.now() + 16 * 60_000);
      expect(mail.to(address)).toHaveLength(1);
    });

    it('write to a system’s own contact person where it has one', async () => {
      const destination = await newDestination();
      const own = newAddress();
      const { systems } = platform.admin.admin;
      await systems.change(destination.systemId, { contact: { name: 'Trực hệ thống', email: own } });
      expect(await systems.get(destination.systemId)).toMatchObject({ contact: { email: own } });
      await send(destination);
      expect((await mailTo(own)).headers.get('to')).toBe(`Trực hệ thống <${own}>`);
      await systems.change(destination.systemId, { contact: {} });
      expect(await systems.get(destination.systemId)).toMatchObject({ contact: null });
      await send(destination);
      await mailTo(destination.address);
      const { value } = await platform.admin.admin.audit.list({ action: 'system.changed', limit: 1 }).next();
      expect(value).toMatchObject({ subject: destination.systemId, detail: { contact: 'changed' } });
    });

    it('wait for the service calendar of the destination', async () => {
      const destination = await newDestination();
      const opens = inTime(2 * DAY);
      await destination.client.calendar.set({ maintenance: [{ from: inTime(-DAY), to: opens }] });
      const { packetId } = await send(destination);
      await eventually(async () => (await deliveryOf(packetId)).nextReminderAt === opens);
      expect(await deliveryOf(packetId)).toMatchObject({ reminders: 0, state: 'pending' });
      await destination.client.calendar.set({});
      await dueNow({ packetId });
      await mailTo(destination.address);
    });

    it('say once where nobody can be written to, and look again', async () => {
      const destination = await platform.makeParty();
      const { packetId } = await send(destination);
      const [entry] = await eventually(async () => {
        const all = await told(packetId);
        return all.length > 0 && all;
      });
      expect(entry).toMatchObject({ event: 'delivery.notReminded', detail: { why: 'no_contact' } });
      expect(entry.sentence.vi).toContain('chưa có địa chỉ thư điện tử của đầu mối');
      const address = newAddress();
      await platform.admin.admin.agencies.change(destination.agencyCode, { contact: { email: address } });
      await dueNow({ packetId });
      expect((await mailTo(address)).text).toContain('Kính gửi: Đầu mối liên thông, Cơ quan thử nghiệm');
      await eventually(async () => (await told(packetId)).length === 2);
    });
  });

  describe('A mail server', () => {
    it('that is away gets the same e-mail later; what was fetched meanwhile is not in it', async () => {
      const destination = await newDestination();
      await mail.stop();
      const sent = [await send(destination), await send(destination)];
      await eventually(async () => {
        const [row] = await platform.sql<{ attempts: number }>(`SELECT attempts FROM emails WHERE attempts > 0`);
        return row?.attempts === 1;
      });
      expect(await told(sent[0].packetId)).toEqual([]);
      const { deliveryId: delivery } = await waiting(destination, sent[0].packetId);
      await accept(destination, delivery);
      await mail.start();
      await retryNow();
      const { text } = await mailTo(destination.address);
      expect(text).not.toContain(sent[0].packetId);
      await eventually(async () => (await told(sent[1].packetId)).length === 1);
      expect(await told(sent[0].packetId)).toEqual([]);
    });

    it('that refuses for good, or too often, is told of on the timeline', async () => {
      mail.answer = 550;
      const destination = await newDestination();
      const { packetId } = await send(destination);
      const [entry] = await eventually(async () => {
        const all = await told(packetId);
        return all.length > 0 && all;
      });
      expect(entry).toMatchObject({ event: 'delivery.notReminded', detail: { why: 'refused', reminder: 1 } });
      expect(entry.sentence.en).toContain('the mail server refused');
      mail.answer = 451;
      const busy = await newDestination();
      const later = await send(busy);
      await eventually(async () => {
        await retryNow();
        return (await told(later.packetId)).length > 0;
      });
      expect(await told(later.packetId)).toMatchObject([{ detail: { why: 'refused' } }]);
      expect(await platform.sql('SELECT 1 FROM emails')).toEqual([]);
      expect(mail.to(busy.address)).toEqual([]);
      expect(platform.standalone?.log()).not.toContain(busy.address);
    });

    it('may get an e-mail twice when the platform dies meanwhile, then with the same Message-ID', async () => {
      mail.answer = 'hang';
      const destination = await newDestination();
      const { packetId } = await send(destination);
      const first = await mailTo(destination.address);
      await platform.kill9();
      mail.answer = 'take';
      await platform.start();
      await retryNow();
      const second = await mailTo(destination.address, 2);
      expect(second.headers.get('message-id')).toBe(first.headers.get('message-id'));
      expect(second.headers.get('message-id')).toMatch(/^<[0-9a-f-]{36}@127\.0\.0\.1>$/);
      await eventually(async () => (await told(packetId)).length === 1);
      expect(await platform.sql('SELECT 1 FROM emails')).toEqual([]);
    });

    it('gets no header and no recipient out of titles, names and addresses', async () => {
      const destination = await newDestination();
      const { packetId } = await send(destination, 'normal');
      const evil = 'x\r\nBcc: evil@example.vn\r\n\r\n.\r\nMAIL FROM:<evil@example.vn>';
      await platform.sql('UPDATE packets SET title = $2 WHERE id = $1', [packetId, `V/v ${evil}`]);
      await platform.sql('UPDATE agencies SET name = $2, contact = $3 WHERE code = $1', [
        destination.agencyCode,
        evil,
        JSON.stringify({ name: `"A" <evil@example.vn>, ${evil}`, email: destination.address }),
      ]);
      await dueNow({ packetId });
      const received = await mailTo(destination.address);
      expect(received.recipients).toEqual([destination.address]);
      expect([...received.headers.keys()]).not.toContain('bcc');
      expect(received.text).toContain('1. V/v x Bcc: evil@example.vn . MAIL FROM:<evil@example.vn>\n');
      for (const email of [
        'a@example.vn, evil@example.vn',
        'a@example.vn\r\nBcc: evil@example.vn',
        '<evil@example.vn>',
      ]) {
        const other = await send(destination, 'normal');
        await platform.sql('UPDATE agencies SET contact = $2 WHERE code = $1', [
          destination.agencyCode,
          JSON.stringify({ email }),
        ]);
        await dueNow(other);
        await eventually(async () => (await told(other.packetId))[0]?.detail?.why === 'no_contact');
      }
      expect(mail.to('evil@example.vn')).toEqual([]);
    });
  });

  it('says once that there is no mail server, and goes on', async () => {
    const plain = await startStandalone({ LADDER_URGENT_AFTER_MINUTES: '0', DEADLINE_WATCH_SECONDS: '1' });
    try {
      const [from, to] = [await plain.makeParty(), await plain.makeParty()];
      await plain.admin.admin.agencies.change(to.agencyCode, { contact: { email: newAddress() } });
      const { packetId } = await sendInline(from, to, { priority: 'urgent' });
      const [entry] = await eventually(async () => {
        const all = await told(packetId, from);
        return all.length > 0 && all;
      });
      expect(entry).toMatchObject({ event: 'delivery.notReminded', detail: { why: 'not_configured' } });
      expect(entry.sentence.vi).toContain('nền tảng chưa được cấu hình gửi thư điện tử');
      await plain.sql('DELETE FROM mailed_contacts');
      await plain.sql('UPDATE deliveries SET next_reminder_at = now()');
      await eventually(async () => (await deliveryOf(packetId, from)).reminders === 2);
      await eventually(async () => (await plain.sql('SELECT 1 FROM emails')).length === 0);
      expect(await told(packetId, from)).toHaveLength(1);
    } finally {
      await plain.stop();
    }
  });
});
