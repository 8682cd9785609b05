import {
  AuditBundleStore,
  AuditPartitionStore,
  AuditSealStore,
  AuditStore,
  grantApplication,
  prepareDatabase,
  Transactions,
} from '@lienthong/persistence';
import { type AuditLine, newPlatformKey, platformKeyOf, verifyAuditRange } from '@lienthong/signing';
import { Client } from 'pg';
import { settled, type TestDatabase, testDatabase } from '../../support/database';
import { itWhen } from '../../support/when';
import { mutation } from './mutations';
import { hasPython, pythonVerdicts } from './python-verifier';

const ORIGIN = 'https://lienthong.example';
const MUTATIONS = 1200;
const PYTHON_SAMPLE = 60;

describe('the audit log in PostgreSQL', () => {
  const keys = [newPlatformKey(), newPlatformKey()];
  const jwks = { keys: keys.map(({ publicJwk }) => publicJwk) };
  const [first, second] = keys.map(({ kid, privatePem }) => platformKeyOf(kid, privatePem));
  let database: TestDatabase;
  let transactions: Transactions;
  let audit: AuditStore;
  let sealing: AuditSealStore;
  let bundles: AuditBundleStore;

  beforeAll(async () => {
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
    audit = new AuditStore(transactions);
    sealing = new AuditSealStore(transactions);
    bundles = new AuditBundleStore(transactions);
  }, 60_000);
  afterAll(() => database.drop(), 60_000);

  /** Every entry differs, so that no change of places is none. */
  let recorded = 0;
  const record = (count: number) =>
    transactions.run(async (unit) =>
      audit.add(
        unit,
        Array.from({ length: count }, (_, n) => ({
          action: 'packet.read' as const,
          subject: `thử ${recorded++}`,
          detail: { n, at: { deep: [n, null] } },
        })),
      ),
    );

  async function linesOf(from = 0, to?: number, store = bundles): Promise<AuditLine[]> {
    const lines: AuditLine[] = [];
    for await (const line of store.lines(ORIGIN, from, to)) lines.push(line);
    return lines;
  }

  /** Seals what is committed by now. */
  const seal = async (limit: number) => {
    await settled(database.dataSource);
    return sealing.seal(ORIGIN, second, limit);
  };

  const newest = async () => (await audit.checkpoints(1))[0];

  it('seals every committed entry once, however many write and seal at the same time', async () => {
    const writing = new AbortController();
    const sealers = [0, 1].map(async () => {
      while (!writing.signal.aborted) await sealing.seal(ORIGIN, first, 7);
    });
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let n = 0; n < 10; n++) await record(1 + (n % 3));
      }),
    );
    writing.abort();
    await Promise.all(sealers);
    while ((await seal(50)).entries > 0);
    expect(await audit.unsealed()).toEqual({ entries: 0, seconds: 0 });
    const [{ n }] = await transactions.query<{ n: string }>('SELECT count(*) AS n FROM audit_entries');
    const verdict = await verifyAuditRange(await linesOf(), jwks);
    expect(verdict).toMatchObject({ valid: true, problems: [], from: 0, to: Number(n), entries: Number(n) });
    expect(Number(n)).toBe(152);
  }, 60_000);

  it('leaves what is not committed out, and seals it later, behind what it came before', async () => {
    const open = new Client({ connectionString: database.url });
    await open.connect();
    try {
      await open.query('BEGIN');
      await open.query(`INSERT INTO audit_entries (actor, action) VALUES ('late', 'packet.read')`);
      await record(3);
      expect((await sealing.seal(ORIGIN, second, 50)).entries).toBe(0);
      expect((await audit.unsealed()).entries).toBe(3);
      await open.query('COMMIT');
    } finally {
      await open.end();
    }
    expect((await seal(50)).entries).toBe(4);
    expect((await verifyAuditRange(await linesOf(), jwks)).valid).toBe(true);
  });

  it('gives any range with what verifies it, across a change of the platform key', async () => {
    const { size, jws } = await newest();
    for (const [from, to] of [
      [0, 1],
      [3, 20],
      [100, 101],
      [size - 1, size],
      [size, size],
      [7, undefined],
    ]) {
      const verdict = await verifyAuditRange(await linesOf(from, to), jwks);
      expect(verdict).toMatchObject({ valid: true, from });
      expect(verdict.to).toBeGreaterThanOrEqual(to ?? size);
    }
    expect((await verifyAuditRange(await linesOf(), jwks, [jws])).valid).toBe(true);
    expect((await verifyAuditRange(await linesOf(0, 20), jwks, [jws])).valid).toBe(false);
    expect((await verifyAuditRange(await linesOf(), { keys: [keys[0].publicJwk] })).valid).toBe(false);
  });

  it('tells for each entry the number it was sealed under, newest first', async () => {
    await record(2);
    const items = await audit.list({ limit: 10 });
    expect(items.map(({ seq }) => seq === null)).toEqual([true, true, ...Array.from({ length: 8 }, () => false)]);
    const page = await audit.list({ limit: 3, before: { at: items[1].at, id: items[1].id } });
    expect(page.map(({ id }) => id)).toEqual(items.slice(2, 5).map(({ id }) => id));
    expect(await audit.list({ limit: 3, action: 'key.issued' })).toEqual([]);
    await seal(50);
  });

  it.each(['entries', 'leaves', 'checkpoints', 'tombstones'])(
    'lets nobody change or delete audit_%s',
    async (table) => {
      const column = table === 'entries' ? 'actor = actor' : table === 'leaves' ? 'seq = seq' : 'jws = jws';
      for (const sql of [
        `UPDATE audit_${table} SET ${column}`,
        `DELETE FROM audit_${table}`,
        `TRUNCATE audit_${table}`,
      ]) {
        await expect(transactions.query(sql)).rejects.toThrow('only added to');
      }
    },
  );

  const mayMakeRoles = itWhen(!process.env.DATABASE_URL, 'the role of DATABASE_URL need not be one that makes roles');
  mayMakeRoles('lets the role of the application add and read, and nothing else, whatever the triggers', async () => {
    const role = `app_${process.pid}`;
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query(`CREATE ROLE ${role}`);
      await grantApplication(database.dataSource, role);
      for (const table of ['audit_entries', 'audit_leaves', 'audit_checkpoints'])
        await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
      await client.query(`SET ROLE ${role}`);
      const months = await client.query<{ name: string }>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit_entries'::regclass`,
      );
      const tables = ['entries', 'leaves', 'checkpoints', 'tombstones'].map((table) => `audit_${table}`);
      for (const table of [...tables, ...months.rows.map(({ name }) => name)])
        for (const sql of [
          `DELETE FROM ${table}`,
          `TRUNCATE ${table}`,
          `ALTER TABLE ${table} ENABLE TRIGGER USER`,
          `DROP TABLE ${table}`,
        ])
          await expect(client.query(sql)).rejects.toMatchObject({ code: '42501' });
      await expect(client.query(`UPDATE audit_entries SET actor = 'x'`)).rejects.toMatchObject({ code: '42501' });
      await expect(client.query(`INSERT INTO audit_tombstones VALUES ('x', now(), 'x')`)).rejects.toMatchObject({
        code: '42501',
      });
      const bound = {
        query: async <T>(sql: string, parameters: unknown[] = []) => (await client.query(sql, parameters)).rows as T[],
      };
      await client.query(`INSERT INTO audit_entries (actor, action) VALUES ('app', 'packet.read')`);
      await client.query('SELECT audit_make_partitions(2)');
      expect((await new AuditBundleStore(bound).lines(ORIGIN, 0).next()).done).toBe(false);
    } finally {
      await client.query('RESET ROLE');
      for (const table of ['audit_entries', 'audit_leaves', 'audit_checkpoints'])
        await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
      await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
      await client.end();
    }
    await seal(50);
  });

  it('lets nobody empty a month either', async () => {
    const months = await transactions.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit_entries'::regclass`,
    );
    expect(months).toHaveLength(4);
    for (const { name } of months)
      await expect(transactions.query(`TRUNCATE ${name}`)).rejects.toThrow('only added to');
  });

  it('goes on no more when its frontier or its last leaf was changed', async () => {
    for (const sql of [
      `UPDATE audit_checkpoints SET frontier = overlay(frontier PLACING '\\x00ff00' FROM 3)`,
      `DELETE FROM audit_leaves WHERE seq = (SELECT max(seq) FROM audit_leaves)`,
    ]) {
      await asOwner(
        async (client) => {
          await client.query(sql);
          await record(1);
        },
        async () => {
          await expect(sealing.seal(ORIGIN, second, 50)).rejects.toThrow('not as it was signed');
        },
      );
    }
    expect((await seal(50)).entries).toBe(2);
  });

  /** Commits a change with the triggers off, and takes it back after `work`. */
  async function asOwner(change: (client: Client) => Promise<void>, work: () => Promise<void>): Promise<void> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const tables = ['audit_checkpoints', 'audit_leaves'];
    try {
      for (const table of tables) {
        await client.query(`CREATE TABLE kept_${table} AS TABLE ${table}`);
        await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
      }
      await change(client);
      await work();
    } finally {
      for (const table of tables) {
        await client.query(
          `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM kept_${table}; DROP TABLE kept_${table}`,
        );
        await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
      }
      await client.end();
    }
  }

  it(`is found out by both verifiers, whatever an owner of the tables does to sealed rows (${MUTATIONS} changes) (A46)`, async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const inside = new AuditBundleStore({
      query: async <T>(sql: string, parameters: unknown[] = []) => (await client.query(sql, parameters)).rows as T[],
    });
    const outside = await newest();
    const sizes = (await audit.checkpoints(500)).map(({ size }) => size).toReversed();
    const found: Record<string, number> = {};
    const sample: { what: string; lines: AuditLine[] }[] = [];
    try {
      const months = await client.query<{ name: string }>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit_entries'::regclass`,
      );
      for (const table of [
        'audit_entries',
        'audit_leaves',
        'audit_checkpoints',
        ...months.rows.map(({ name }) => name),
      ])
        await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
      const untouched = await linesOf(0, undefined, inside);
      expect((await verifyAuditRange(untouched, jwks, [outside.jws])).problems).toEqual([]);
      for (let n = 0; n < MUTATIONS; n++) {
        const { what, sql } = mutation(outside.size, sizes);
        await client.query('BEGIN');
        await client.query(sql);
        const lines = await linesOf(0, undefined, inside);
        await client.query('ROLLBACK');
        const { valid } = await verifyAuditRange(lines, jwks, [outside.jws]);
        expect({ what, sql, valid }).toEqual({ what, sql, valid: false });
        found[what] = (found[what] ?? 0) + 1;
        if (hasPython && n % (MUTATIONS / PYTHON_SAMPLE) === 0) sample.push({ what, lines });
      }
      if (hasPython) {
        const verdicts = await pythonVerdicts([...sample.map(({ lines }) => lines), untouched], jwks, outside.jws);
        expect(verdicts).toEqual([...sample.map(() => false), true]);
      }
    } finally {
      await client.end();
    }
    const counts = Object.entries(found).map(([what, n]) => `${what} ${n}`);
    process.stdout.write(
      `audit mutations found: ${MUTATIONS} of ${MUTATIONS} (${sample.length} of them in Python too)\n  ${counts.join('\n  ')}\n`,
    );
  }, 240_000);

  it('forgets whole months after their time, with a tombstone that verifies, and nothing before it', async () => {
    const partitions = new AuditPartitionStore(transactions);
    expect(await partitions.forgetOldest(ORIGIN, second, 730)).toBeUndefined();
    await expect(
      transactions.query(`SELECT audit_drop_partition('audit_entries_' || to_char(now(), 'YYYY_MM'), 'x')`),
    ).rejects.toThrow('730 days');
    await transactions.query(
      `CREATE TABLE audit_entries_2020_01 PARTITION OF audit_entries FOR VALUES FROM ('2020-01-01Z') TO ('2020-02-01Z')`,
    );
    await transactions.query(
      `INSERT INTO audit_entries (at, actor, action) SELECT '2020-01-01Z'::timestamptz + make_interval(hours => n), 'old', 'packet.read' FROM generate_series(0, 99) n`,
    );
    expect(await partitions.forgetOldest(ORIGIN, second, 730)).toBeUndefined();
    await seal(500);
    expect(await partitions.forgetOldest(ORIGIN, second, 730)).toMatchObject({ name: 'audit_entries_2020_01' });
    await seal(500);
    const verdict = await verifyAuditRange(await linesOf(), jwks);
    expect(verdict).toMatchObject({ valid: true, forgotten: 100 });
    const [{ action, subject }] = await audit.list({ limit: 1 });
    expect({ action, subject }).toEqual({ action: 'audit.forgotten', subject: 'audit_entries_2020_01' });
    const lines = await linesOf();
    expect(
      (
        await verifyAuditRange(
          lines.filter(({ type }) => type !== 'tombstone'),
          jwks,
        )
      ).valid,
    ).toBe(false);
    if (hasPython)
      expect(await pythonVerdicts([lines, lines.filter(({ type }) => type !== 'tombstone')], jwks)).toEqual([
        true,
        false,
      ]);
  });

  it('goes on in a new era after a restore into a cluster that counts its transactions anew', async () => {
    // What a dump from a busier cluster brings: entries whose transactions are yet to come here.
    await transactions.query(
      `INSERT INTO audit_entries (actor, action, xid) VALUES ('restored', 'packet.read', '1000000000000')`,
    );
    expect((await sealing.seal(ORIGIN, second, 50)).entries).toBe(0);
    expect(await prepareDatabase(database.url)).toBe(0);
    await record(2);
    expect((await seal(50)).entries).toBe(3);
    expect(await prepareDatabase(database.url)).toBe(0);
    await record(1);
    expect((await seal(50)).entries).toBe(1);
    expect((await verifyAuditRange(await linesOf(), jwks)).valid).toBe(true);
    expect((await audit.list({ limit: 1 }))[0].seq).not.toBeNull();
  });
});
