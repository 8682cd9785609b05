import { DepthStore, Transactions } from '@lienthong/persistence';
import { v7 as uuidv7 } from 'uuid';
import { type TestDatabase, testDatabase } from '../../support/database';

describe('what waits, on PostgreSQL', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  let depths: DepthStore;

  beforeAll(async () => {
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
    depths = new DepthStore(transactions);
    for (const code of ['H01', 'H02', 'H03', 'H04']) {
      await transactions.query(`INSERT INTO agencies (code, name, search) VALUES ($1, $1, '')`, [code]);
      await transactions.query(`INSERT INTO systems (id, agency_code, name, search) VALUES ($1 || '/s', $1, '', '')`, [
        code,
      ]);
    }
  }, 60_000);
  afterAll(() => database?.drop());

  async function delivery(system: string, state: string, ageSeconds: number, priority = 1) {
    const [packetId, id] = [uuidv7(), uuidv7()];
    await transactions.query(
      `INSERT INTO packets (id, source, state, title, priority, data_type, protocol, recipients, space_expires_at, search)
       VALUES ($1, 'H01/s', 'scheduled', '', $2, 'x.y', 'put', '[]', now(), '')`,
      [packetId, priority],
    );
    await transactions.query(
      `INSERT INTO deliveries (id, packet_id, system_id, address, routed_by, state, priority, available_at, deliver_by)
       VALUES ($1, $2, $3, $3, 'system', $4, $5, now() - make_interval(secs => $6), now() + interval '1 day')`,
      [id, packetId, system, state, priority, ageSeconds],
    );
    return { packetId, id };
  }
  const event = (type: string, { packetId, id }: { packetId: string; id: string }, ageSeconds: number) =>
    transactions.query(
      `INSERT INTO events (system_id, id, type, packet_id, delivery_id, at, data)
       VALUES ('H01/s', $1, $2, $3, $4, now() - make_interval(secs => $5), '{}')`,
      [uuidv7(), type, packetId, id, ageSeconds],
    );

  it('is told per destination: how much, since when, how fast, and whether it is there', async () => {
    await delivery('H02/s', 'pending', 300);
    await delivery('H02/s', 'ready', 30);
    await delivery('H02/s', 'pending', -600);
    await delivery('H03/s', 'notified', 20);
    await delivery('H03/s', 'rejected', 900);
    for (const age of [10, 50, 70]) await event('delivery.accepted', await delivery('H04/s', 'accepted', 100), age);
    await transactions.query(`INSERT INTO connections (id, system_id, instance) VALUES ($1, 'H03/s', 'test')`, [
      uuidv7(),
    ]);
    const destinations = await depths.destinations();
    expect(destinations).toEqual([
      { systemId: 'H02/s', waiting: 2, oldestSeconds: expect.any(Number), acceptedPerMinute: 0, online: false },
      { systemId: 'H03/s', waiting: 1, oldestSeconds: expect.any(Number), acceptedPerMinute: 0, online: true },
      { systemId: 'H04/s', waiting: 0, oldestSeconds: 0, acceptedPerMinute: 2, online: false },
    ]);
    const [first, second] = destinations.map(({ oldestSeconds }) => oldestSeconds);
    expect([first >= 300 && first < 310, second >= 20 && second < 30]).toEqual([true, true]);
  });

  it('is told per kind of task: packets that it was done for in the last minute', async () => {
    const one = await delivery('H02/s', 'pending', 0, 3);
    const other = await delivery('H02/s', 'pending', 0, 0);
    await event('packet.accepted', one, 5);
    await event('packet.available', one, 4);
    await event('packet.available', one, 4);
    await event('packet.refused', other, 5);
    await event('packet.purged', other, 90);
    const rates = await depths.taskRates();
    expect(rates).toHaveLength(3);
    expect(rates).toEqual(
      expect.arrayContaining([
        { kind: 'analyse-packet', priority: 'express', perMinute: 1 },
        { kind: 'notify-destination', priority: 'express', perMinute: 1 },
        { kind: 'analyse-packet', priority: 'normal', perMinute: 1 },
      ]),
    );
  });

  it('costs nothing for what is done: no table is read from end to end', async () => {
    await transactions.query(
      `WITH made AS (
         INSERT INTO packets (id, source, state, title, priority, data_type, protocol, recipients, space_expires_at, search)
         SELECT gen_random_uuid(), 'H01/s', 'completed', '', 0, 'x.y', 'put', '[]', now(), '' FROM generate_series(1, 20000) RETURNING id)
       INSERT INTO deliveries (id, packet_id, system_id, address, routed_by, state, priority, available_at, deliver_by)
       SELECT gen_random_uuid(), id, 'H04/s', 'H04/s', 'system', 'accepted', 0, now() - interval '1 day', now() FROM made`,
    );
    await transactions.query(
      `INSERT INTO events (system_id, id, type, packet_id, delivery_id, at, data)
       SELECT 'H01/s', gen_random_uuid(), 'delivery.accepted', packet_id, id, now() - interval '1 day', '{}' FROM deliveries WHERE state = 'accepted'`,
    );
    await transactions.query('ANALYZE');
    const before = await scanned();
    await depths.destinations();
    await depths.taskRates();
    const after = await scanned();
    expect(after - before).toBeLessThan(2000);
  }, 60_000);

  /** Rows read by sequential scans of the big tables, as PostgreSQL counts them in this session. */
  async function scanned(): Promise<number> {
    await transactions.query('SELECT pg_stat_force_next_flush()');
    await transactions.query('SELECT pg_stat_clear_snapshot()');
    const [{ n }] = await transactions.query<{ n: string }>(
      `SELECT sum(seq_tup_read) AS n FROM pg_stat_user_tables WHERE relname IN ('deliveries', 'events', 'packets')`,
    );
    return Number(n);
  }
});
