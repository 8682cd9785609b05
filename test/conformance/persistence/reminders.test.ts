import { EmailStore, ReminderStore, TimelineStore, Transactions, type Unit } from '@lienthong/persistence';
import { v7 as uuidv7 } from 'uuid';
import { RemindDestination } from '../../../apps/scheduler/src/remind-destination/remind-destination';
import { testDatabase, type TestDatabase } from '../../support/database';

jest.setTimeout(120_000);

const LIVE = 50_000;
const LADDER = { everySeconds: 86_400, reminders: 10, contactPauseSeconds: 900 };

describe('reminders in PostgreSQL', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  let emails: EmailStore;
  let ladder: RemindDestination;

  beforeAll(async () => {
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
    const [reminders, timeline] = [new ReminderStore(transactions), new TimelineStore(transactions)];
    emails = new EmailStore(transactions, timeline);
    ladder = new RemindDestination(transactions, reminders, timeline, { ladder: LADDER });
    for (let n = 1; n <= 3; n++) {
      await transactions.query(`INSERT INTO agencies (code, name, search, contact) VALUES ($1, $1, '', $2)`, [
        `H01.2${n}`,
        JSON.stringify({ email: `a${n}@example.vn` }),
      ]);
      await transactions.query(
        `INSERT INTO systems (id, agency_code, name, search) SELECT $1 || '/s' || n, $1, 's', '' FROM generate_series(0, 99) n`,
        [`H01.2${n}`],
      );
    }
  });
  beforeEach(() => transactions.query('UPDATE deliveries SET next_reminder_at = NULL'));
  afterAll(() => database.drop());

  /** Deliveries of one agency, or of two, over as many rounds of a packet as it takes. */
  async function deliveries(count: number, due: string, agencies = 1, state = 'pending'): Promise<string> {
    const id = uuidv7();
    await transactions.query(
      `INSERT INTO packets (id, source, state, title, priority, data_type, protocol, recipients, space_expires_at, received_at, deliver_by)
       VALUES ($1, 'H01.23/s0', 'scheduled', 't', 0, 'file', 'put', '[]', now(), now(), now() + interval '5 days')`,
      [id],
    );
    await transactions.query(
      `INSERT INTO deliveries (id, packet_id, system_id, address, routed_by, state, priority, available_at, deliver_by, round, next_reminder_at)
       SELECT audit_id(), $1, 'H01.2' || (1 + n % $4::int) || '/s' || (n / $4::int % 100), 'a', 'system', $5, 0, now(), now() + interval '5 days',
              1 + n / 100 / $4::int, now() + $3::interval
       FROM generate_series(0, $2::int - 1) n`,
      [id, count, due, agencies, state],
    );
    return id;
  }
  const ofPacket = async (packetId: string) => {
    const [row] = await transactions.query<Record<'reminders' | 'told' | 'soonest', number>>(
      `SELECT (SELECT sum(reminders)::int FROM deliveries WHERE packet_id = $1) AS reminders,
              (SELECT count(*)::int FROM email_deliveries WHERE packet_id = $1) AS told,
              (SELECT extract(epoch FROM min(next_reminder_at) - now())::int FROM deliveries WHERE packet_id = $1) AS soonest`,
      [packetId],
    );
    return row;
  };
  const written = () => transactions.query<{ id: string; contact: string }>('SELECT id, contact FROM emails');

  it('make one e-mail per contact of 3,000 deliveries that are due, however many processes look at once', async () => {
    const packetId = await deliveries(3000, '-1 minute', 2);
    const looked = await Promise.all(Array.from({ length: 4 }, () => ladder.pass()));
    expect(looked.reduce((sum, n) => sum + n)).toBeGreaterThanOrEqual(3000);
    const mails = await written();
    expect(mails).toHaveLength(2);
    for (const { contact } of mails) expect(contact).toMatch(/^[0-9a-f]{64}$/);
    const { reminders, told, soonest } = await ofPacket(packetId);
    // Two that made the first e-mail of a contact at the same moment: what the second one had waits for the end of the pause.
    expect(told).toBe(reminders);
    expect(soonest).toBeGreaterThan(800);
    await transactions.query(`UPDATE emails SET available_at = now()`);
    for (let n = 0; n < 2; n++) {
      const mail = (await emails.claim(60))!;
      const reminder = (await emails.read(mail, 20))!;
      expect(reminder.packets).toHaveLength(20);
      expect(reminder.agencies).toHaveLength(1);
      await emails.end(mail.id, 'sent');
    }
    expect(await written()).toEqual([]);
    const [{ entries }] = await transactions.query(
      `SELECT count(DISTINCT delivery_id) || '/' || count(*) AS entries FROM audit_entries WHERE packet_id = $1 AND action = 'delivery.reminded'`,
      [packetId],
    );
    expect(entries).toBe(`${reminders}/${reminders}`);
    expect(await ladder.pass()).toBe(0);
  });

  it('end an e-mail once, whoever ends it at once or comes after a crash', async () => {
    await transactions.query('DELETE FROM mailed_contacts');
    const packetId = await deliveries(1200, '-1 minute');
    await ladder.pass();
    const [{ id }] = await written();
    await transactions.query(`UPDATE emails SET outcome = 'sent', available_at = now(), attempts = 1`);
    const claimed = (await emails.claim(0))!;
    expect(claimed).toMatchObject({ id, outcome: 'sent', attempts: 2 });
    const ends = [emails.end(id, 'sent'), emails.end(id, 'unreachable'), emails.end(id, 'sent')];
    expect((await Promise.all(ends)).reduce((sum, told) => sum + told)).toBe(1200);
    const entries = await transactions.query(
      `SELECT action, count(*)::int AS n, count(DISTINCT delivery_id)::int AS of FROM audit_entries WHERE packet_id = $1 GROUP BY action`,
      [packetId],
    );
    expect(entries).toEqual([{ action: 'delivery.reminded', n: 1200, of: 1200 }]);
    expect(await written()).toEqual([]);
  });

  it('tell of 5,000 deliveries in an e-mail at most, and put off what is beyond them until the next reminder', async () => {
    await transactions.query('DELETE FROM mailed_contacts');
    const packetId = await deliveries(5600, '-1 minute');
    const noticed = { told: 0, failed: 0, skipped: 0 };
    expect(await ladder.pass((outcome, count) => void (noticed[outcome] += count))).toBe(5600);
    expect(noticed).toEqual({ told: 5000, failed: 0, skipped: 600 });
    expect(await ofPacket(packetId)).toMatchObject({ reminders: 5000, told: 5000 });
    const [{ soon }] = await transactions.query(
      `SELECT count(*)::int AS soon FROM deliveries WHERE packet_id = $1 AND next_reminder_at < now() + interval '23 hours'`,
      [packetId],
    );
    expect(soon).toBe(0);
    await transactions.query('DELETE FROM emails');
  });

  it(`find what is due by an index among ${LIVE} deliveries that wait and as many that are final`, async () => {
    await deliveries(LIVE, '1 hour', 2);
    await deliveries(LIVE, '-1 hour', 2, 'accepted');
    const due = await deliveries(3, '-1 second', 2);
    await transactions.query('ANALYZE deliveries');
    const [plans, found] = await transactions.run(async (unit) => {
      const explained: string[] = [];
      const explaining = {
        query: async (sql: string, parameters?: unknown[]) => {
          explained.push(JSON.stringify(await unit.query(`EXPLAIN (FORMAT JSON) ${sql}`, parameters)));
          return [];
        },
      } as unknown as Unit;
      await new ReminderStore(transactions).due(explaining, 500);
      return [explained, await new ReminderStore(transactions).due(unit, 500)];
    });
    expect(found.map(({ packetId }) => packetId)).toEqual([due, due, due]);
    expect(plans.join()).toContain('deliveries_to_remind');
    expect(plans.join()).not.toMatch(/"Seq Scan"[^{}]*"deliveries"/);
  });
});
