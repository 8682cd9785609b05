import { AuditSealStore, AuditStore, Transactions, type Unit } from '@lienthong/persistence';
import { newPlatformKey, platformKeyOf } from '@lienthong/signing';
import { Client } from 'pg';
import { settled, testDatabase, type TestDatabase } from '../../support/database';

const ORIGIN = 'https://lienthong.example';
const BACKLOG = 20_000;
const BATCH = 100;
/** The entries themselves, and the one at which each partition's index ends. */
const AT_MOST = BATCH + 8;
/** Pages and rows that PostgreSQL believes to be in a table; a vacuum in the midst of a transaction leaves any of these. */
const STATISTICS = [
  [0, -1],
  [1, 0],
  [1, 1],
  [400, 1],
  [100_000, 2_000_000],
];

interface Reading {
  /** Rows of the log that whole tables were read for. */
  scanned: number;
  /** Rows of the log that an index led to. */
  fetched: number;
}

describe('sealing a backlog', () => {
  const { kid, privatePem } = newPlatformKey();
  const key = platformKeyOf(kid, privatePem);
  let database: TestDatabase;
  let reading: Reading;
  let audit: AuditStore;
  let sealing: AuditSealStore;

  /** Tells what the last unit of work read of the log. */
  class Counting extends Transactions {
    override run<T>(work: (unit: Unit) => Promise<T>): Promise<T> {
      return super.run(async (unit) => {
        const before = await readIn(unit);
        const result = await work(unit);
        const after = await readIn(unit);
        reading = { scanned: after.scanned - before.scanned, fetched: after.fetched - before.fetched };
        return result;
      });
    }
  }

  const readIn = async (unit: Unit): Promise<Reading> => {
    const [row] = await unit.query<Record<keyof Reading, string>>(
      `SELECT sum(seq_tup_read) AS scanned, sum(idx_tup_fetch) AS fetched FROM pg_stat_xact_user_tables
       WHERE relname LIKE 'audit\\_entries%' OR relname = 'audit_leaves'`,
    );
    return { scanned: Number(row.scanned), fetched: Number(row.fetched) };
  };

  const seal = (limit = BATCH) => sealing.seal(ORIGIN, key, limit);

  beforeAll(async () => {
    database = await testDatabase();
    const transactions = new Counting(database.dataSource);
    audit = new AuditStore(transactions);
    sealing = new AuditSealStore(transactions);
    // Statistics that know one era, and of a log that holds next to nothing; the connections keep plans that were made by them.
    for (let n = 0; n < 30; n++) {
      await audit.record([{ action: 'packet.read', subject: `mục ${n}` }]);
      await settled(database.dataSource);
      await seal();
      await audit.unsealed();
      if (n === 10) await database.dataSource.query('VACUUM (ANALYZE)');
    }
    await insert(BACKLOG);
    await settled(database.dataSource);
  }, 60_000);
  afterAll(() => database.drop(), 60_000);

  const insert = (count: number) =>
    database.dataSource.query(
      `INSERT INTO audit_entries (actor, action) SELECT 'tồn đọng', 'packet.read' FROM generate_series(1, $1::int)`,
      [count],
    );

  it('reads for a batch what is in the batch, whatever is left and whatever the statistics say', async () => {
    const readings: Reading[] = [];
    const [{ superuser }] = await database.dataSource.query(
      `SELECT current_setting('is_superuser')::boolean AS superuser`,
    );
    for (let n = 0; n < 10; n++) {
      if (superuser)
        await database.dataSource.query(
          `UPDATE pg_class SET relpages = $1, reltuples = $2 WHERE relname ~ '^audit_' AND relkind IN ('r', 'p', 'i')`,
          STATISTICS[n % STATISTICS.length],
        );
      expect((await seal()).entries).toBe(BATCH);
      readings.push(reading);
    }
    expect(readings.map(({ scanned }) => scanned)).toEqual(readings.map(() => 0));
    expect(Math.max(...readings.map(({ fetched }) => fetched))).toBeLessThanOrEqual(AT_MOST);
  });

  it('counts what is left without reading what is sealed', async () => {
    const { entries } = await audit.unsealed();
    expect(entries).toBe(BACKLOG - 10 * BATCH);
    expect(reading.scanned).toBe(0);
  });

  it('reads nothing of what waits behind a transaction that is long open, and seals it afterwards', async () => {
    while ((await seal(5000)).entries > 0);
    expect((await audit.unsealed()).entries).toBe(0);
    const open = new Client({ connectionString: database.url });
    await open.connect();
    try {
      await open.query('BEGIN');
      await open.query(`INSERT INTO audit_entries (actor, action) VALUES ('lâu', 'packet.read')`);
      await insert(BACKLOG);
      expect((await seal()).entries).toBe(0);
      expect(reading).toMatchObject({ scanned: 0 });
      expect(reading.fetched).toBeLessThanOrEqual(AT_MOST - BATCH);
      await open.query('COMMIT');
    } finally {
      await open.end();
    }
    await settled(database.dataSource);
    let sealed = 0;
    for (let entries = 1; entries > 0; sealed += entries) ({ entries } = await seal(5000));
    expect(sealed).toBe(BACKLOG + 1);
  });
});
