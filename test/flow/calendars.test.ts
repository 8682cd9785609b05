import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ServiceCalendar } from '@lienthong/contracts';
import { eventOf, fetchAll, sendInline, waiting } from '../support/exchange';
import { type Party, type Platform, startStandalone } from '../support/platform';

jest.setTimeout(120_000);

const DAY = 86_400_000;
const inTime = (ms: number): string => new Date(Date.now() + ms).toISOString();
const OFFICE: ServiceCalendar = {
  timeZone: 'Asia/Ho_Chi_Minh',
  hours: [
    { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '07:30', to: '11:30' },
    { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '13:30', to: '17:00' },
  ],
  holidays: ['2027-01-01'],
  maintenance: [{ from: '2027-01-09T00:00:00+07:00', to: '2027-01-10T00:00:00+07:00' }],
};

describe('Service calendars (manage-calendars)', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startStandalone({ REJECTION_RETRY_SECONDS: '1' });
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  it('are set by administrators and by the system itself, one in place of the other, and each change is on the audit log', async () => {
    const { systemId } = destination;
    const { calendars, audit } = platform.admin.admin;
    expect(await calendars.get(systemId)).toEqual({
      systemId,
      calendar: {},
      open: true,
      nextOpenAt: expect.any(String),
      changedAt: null,
    });
    expect(await calendars.set(systemId, OFFICE)).toMatchObject({ calendar: OFFICE, changedAt: expect.any(String) });
    expect(await destination.client.calendar.get()).toMatchObject({ systemId, calendar: OFFICE });
    const maintenance = [{ from: inTime(-DAY), to: inTime(DAY) }];
    expect(await destination.client.calendar.set({ maintenance })).toMatchObject({
      systemId,
      calendar: { maintenance },
      open: false,
      nextOpenAt: maintenance[0].to,
    });
    expect(await calendars.get(systemId)).toMatchObject({ calendar: { maintenance } });
    const { value } = await audit.list({ action: 'calendar.changed', limit: 1 }).next();
    expect(value).toMatchObject({ subject: systemId, systemId, detail: { maintenance } });
    await destination.client.calendar.set({});
  });

  it('are set and shown on the command line, by administrators and by the system itself', async () => {
    const { systemId, issued } = destination;
    const key = (file: { accessKey: string; secretKey?: string }) => ({
      LIENTHONG_ACCESS_KEY: file.accessKey,
      LIENTHONG_SECRET_KEY: String(file.secretKey),
    });
    const cli = join(__dirname, '../../libs/client/bin/lienthong.js');
    const run = async (as: Record<string, string>, ...words: string[]) =>
      (
        await promisify(execFile)(process.execPath, [cli, '--url', platform.baseUrl, '--lang', 'vi', ...words], {
          env: { PATH: process.env.PATH, ...as },
        })
      ).stdout;
    const admin = key({ accessKey: platform.adminKey.keyId, secretKey: platform.adminKey.secret as string });
    const hours = ['--hours', 'mon-fri=07:30-11:30,13:30-17:00', '--time-zone', 'Asia/Ho_Chi_Minh'];
    const closed = ['--maintenance', '2027-01-09T00:00+07:00/2027-01-10T00:00+07:00', '--holiday', '2027-01-01'];
    expect(await run(admin, 'admin', 'calendar', 'set', systemId, ...hours, ...closed)).toContain(
      '  mon tue wed thu fri  07:30–11:30',
    );
    expect((await destination.client.calendar.get()).calendar).toEqual(OFFICE);
    expect(JSON.parse(await run(admin, 'admin', 'calendar', 'show', systemId, '--json'))).toMatchObject({
      calendar: OFFICE,
    });
    expect(await run(key(issued), 'calendar', 'set')).toContain('đang trong giờ phục vụ');
    expect(await run(key(issued), 'calendar', 'show')).toBe(`${systemId}\n  đang trong giờ phục vụ\n`);
    await expect(run(key(issued), 'calendar', 'set', '--hours', 'mon-fri')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Không đọc được giờ phục vụ mon-fri'),
    });
  });

  it('are held to what times, dates and zones are, naming the field', async () => {
    const hours = { days: ['mon'], from: '07:30', to: '17:00' };
    const at = { from: '2027-01-09T00:00:00Z', to: '2027-01-10T00:00:00Z' };
    const wrong: [unknown, string][] = [
      [{ timeZone: 'Asia/Hanoi' }, '/timeZone'],
      [{ timeZone: 7 }, '/timeZone'],
      [{ hours: [] }, '/hours'],
      [{ hours: 'x' }, '/hours'],
      [{ hours: Array.from({ length: 51 }, () => hours) }, '/hours'],
      [{ hours: [{ ...hours, days: [] }] }, '/hours/0/days'],
      [{ hours: [{ ...hours, days: ['t2'] }] }, '/hours/0/days'],
      [{ hours: [{ ...hours, days: ['mon', 'mon'] }] }, '/hours/0/days'],
      [{ hours: [{ ...hours, from: '7:30' }] }, '/hours/0/from'],
      [{ hours: [{ ...hours, from: '07:60' }] }, '/hours/0/from'],
      [{ hours: [{ ...hours, to: '24:01' }] }, '/hours/0/to'],
      [{ hours: [{ ...hours, to: '07:30' }] }, '/hours/0/to'],
      [{ hours: [{ ...hours, note: 'x' }] }, '/hours/0/note'],
      [{ holidays: ['2027-02-29'] }, '/holidays'],
      [{ holidays: ['01/01/2027'] }, '/holidays'],
      [{ holidays: [5] }, '/holidays'],
      [{ maintenance: [{ ...at, to: at.from }] }, '/maintenance/0/to'],
      [{ maintenance: [{ ...at, from: '2027-01-09' }] }, '/maintenance/0/from'],
      [{ maintenance: [{ from: at.from }] }, '/maintenance/0/to'],
      [{ maintenance: Array.from({ length: 101 }, () => at) }, '/maintenance'],
      [{ unknown: 1 }, '/unknown'],
    ];
    for (const [body, pointer] of wrong) {
      const { status, json } = await platform.fetch('/v1/calendar', { method: 'PUT', body, key: destination.key });
      const { errors = [] } = json as { errors?: { pointer: string }[] };
      expect([body, status, errors.map((one) => one.pointer)]).toEqual([body, 400, [pointer]]);
    }
    const none = `/v1/admin/systems/${destination.agencyCode}/none/calendar`;
    for (const method of ['GET', 'PUT'])
      expect(
        (await platform.fetch(none, { method, body: method === 'PUT' ? {} : undefined, key: platform.adminKey }))
          .status,
      ).toBe(404);
  });

  describe('hold up', () => {
    /** S5, S6 and a retryable rejection. @returns when it is tried again, as the source is told */
    async function rejected(policy: { deliverBy?: string } = {}) {
      const { packetId } = await sendInline(source, destination, { policy });
      const { deliveryId } = await waiting(destination, packetId);
      await fetchAll(destination, deliveryId);
      const { state } = await destination.client.deliveries.confirm(deliveryId, {
        outcome: 'rejected',
        parts: [],
        reasonCode: 'maintenance',
        retryable: true,
      });
      return { state, packetId, event: await eventOf(source, packetId, 'delivery.rejected') };
    }

    it('the next attempt after a retryable rejection, until the destination is open', async () => {
      const maintenance = [{ from: inTime(-DAY), to: inTime(DAY) }];
      await destination.client.calendar.set({ maintenance });
      const { state, event } = await rejected();
      expect(state).toBe('pending');
      expect(event.data).toMatchObject({ retryable: true, retryAt: maintenance[0].to });
      await destination.client.calendar.set({});
      const open = await rejected();
      expect(Date.parse(String(open.event.data.retryAt))).toBeLessThan(Date.now() + 60_000);
      await eventOf(destination, open.packetId, 'packet.available');
    });

    it('no deadline: a destination that opens after it has rejected for good', async () => {
      await destination.client.calendar.set({ maintenance: [{ from: inTime(-DAY), to: inTime(3 * DAY) }] });
      const { state, event } = await rejected({ deliverBy: inTime(DAY) });
      expect(state).toBe('rejected');
      expect(event.data).toMatchObject({ retryable: false, canDo: ['resend', 'other_address'] });
      await destination.client.calendar.set({});
    });
  });
});
