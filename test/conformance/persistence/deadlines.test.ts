import {
  DeadlineStore,
  DeliveryStore,
  EventStreamStore,
  GiveUp,
  PacketStore,
  PlatformKeyStore,
  ReceiptStore,
  ResendStore,
  SettlePacket,
  TimelineStore,
  Transactions,
  UndeliverableStore,
  WatchStore,
} from '@lienthong/persistence';
import { v7 as uuidv7 } from 'uuid';
import { testDatabase, type TestDatabase } from '../../support/database';

jest.setTimeout(120_000);

const SOURCE = 'H01.14/a';
const LIVE = 50_000;

describe('deadlines in PostgreSQL', () => {
  let database: TestDatabase;
  let transactions: Transactions;

  beforeAll(async () => {
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
    for (const code of ['H01.14', 'H01.20'])
      await transactions.query(`INSERT INTO agencies (code, name, search) VALUES ($1, $1, '')`, [code]);
    await transactions.query(`INSERT INTO systems (id, agency_code, name, search) VALUES ($1, 'H01.14', $1, '')`, [
      SOURCE,
    ]);
    await transactions.query(
      `INSERT INTO systems (id, agency_code, name, search) SELECT 'H01.20/s' || n, 'H01.20', 's', '' FROM generate_series(1, 500) n`,
    );
  });
  afterAll(() => database.drop());

  async function newPacket(): Promise<string> {
    const id = uuidv7();
    await transactions.query(
      `INSERT INTO packets (id, source, state, title, priority, data_type, protocol, policy, recipients, space_expires_at, received_at, deliver_by)
       VALUES ($1, $2, 'scheduled', 't', 0, 'file', 'put', '{"warnAt":[0.5]}', '[]', now(), now(), now() + interval '1 day')`,
      [id, SOURCE],
    );
    return id;
  }
  const deliveriesOf = (packetId: string, count: number, over: { deliverBy: string; warnAt?: string }) =>
    transactions.query(
      `INSERT INTO deliveries (id, packet_id, system_id, address, routed_by, state, priority, available_at, deliver_by, warn_at, round)
       SELECT audit_id(), $1, 'H01.20/s' || (1 + n % 500), 'a' || n, 'system', 'pending', 0, now(), now() + $3::interval, now() + $4::interval, 1 + n / 500
       FROM generate_series(0, $2::int - 1) n`,
      [packetId, count, over.deliverBy, over.warnAt ?? null],
    );
  const giveUp = (on: Transactions): GiveUp => {
    const [packets, deliveries] = [new PacketStore(on), new DeliveryStore(on)];
    const [events, timeline] = [new EventStreamStore(on, 'https://lienthong.example'), new TimelineStore(on)];
    const keys = new PlatformKeyStore(on, 'platform-secret-for-tests-only-0123456789');
    const receipts = new ReceiptStore(on, keys, 'https://lienthong.example');
    const settle = new SettlePacket(packets, deliveries, events, timeline);
    return new GiveUp(on, new UndeliverableStore(on), packets, events, receipts, timeline, settle);
  };

  it('one packet to 500 recipients ends with one report each, however many processes end it at once', async () => {
    const packetId = await newPacket();
    await deliveriesOf(packetId, 500, { deliverBy: '-1 second' });
    const ended = await Promise.all(Array.from({ length: 4 }, () => giveUp(transactions).overdue(packetId)));
    expect(ended.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 500]);
    const [{ reports, receipts, entries }] = await transactions.query<Record<string, string>>(
      `SELECT (SELECT count(DISTINCT delivery_id) || '/' || count(*) FROM events WHERE packet_id = $1 AND type = 'delivery.undeliverable') AS reports,
              (SELECT count(DISTINCT delivery_id) || '/' || count(*) FROM receipts WHERE packet_id = $1) AS receipts,
              (SELECT count(DISTINCT delivery_id) || '/' || count(*) FROM audit_entries WHERE packet_id = $1 AND action = 'delivery.undeliverable') AS entries`,
      [packetId],
    );
    expect([reports, receipts, entries]).toEqual(Array(3).fill('500/500'));
    const packet = await new PacketStore(transactions).find(packetId);
    expect(packet?.state).toBe('completed');
    expect(await new ResendStore(transactions).undelivered(packetId)).toHaveLength(500);
  });

  it(`what is due is found by index among ${LIVE} deliveries that wait`, async () => {
    const [waits, due] = [await newPacket(), await newPacket()];
    await deliveriesOf(waits, LIVE, { deliverBy: '1 day', warnAt: '12 hours' });
    await deliveriesOf(due, 3, { deliverBy: '1 day', warnAt: '-1 second' });
    await transactions.query('ANALYZE deliveries');
    expect(await new DeadlineStore(transactions).toWarn(200)).toEqual([due]);
    const plans: string[] = [];
    const explaining = {
      query: async (sql: string, parameters?: unknown[]) => {
        plans.push(JSON.stringify(await transactions.query(`EXPLAIN (FORMAT JSON) ${sql}`, parameters)));
        return [{ n: '0' }];
      },
    } as unknown as Transactions;
    await new DeadlineStore(explaining).toWarn(200);
    await new WatchStore(explaining).overdue(200);
    await new UndeliverableStore(explaining).endedLastMinute();
    const indexes = ['deliveries_to_warn', 'deliveries_due', 'deliveries_given_up'];
    plans.forEach((plan, index) => {
      expect(plan).toContain(indexes[index]);
      expect(plan).not.toContain('Seq Scan');
    });
  });
});
