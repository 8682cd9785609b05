import { type Platform, startPlatform } from '../support/platform';

jest.setTimeout(120_000);

describe('The role that the platform works as', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform();
    await platform.makeParty();
  });
  afterAll(() => platform?.stop());

  it('is the one of every process that is connected, and owns nothing of the audit log', async () => {
    const users = await platform.sql<{ user: string }>(
      `SELECT DISTINCT usename AS user FROM pg_stat_activity
       WHERE datname = current_database() AND application_name IN ('auth', 'connector', 'scheduler', 'notifier', 'lienthong')`,
    );
    expect(users).toEqual([{ user: 'lienthong_app' }]);
    const owned = await platform.sql(
      `SELECT tablename FROM pg_tables WHERE tableowner = 'lienthong_app' AND schemaname = current_schema()`,
    );
    expect(owned).toEqual([]);
  });

  it('may add to the audit log and read it, and is refused by right whatever would change it', async () => {
    const [{ n }] = await platform.sqlAsApplication<{ n: string }>('SELECT count(*) AS n FROM audit_entries');
    expect(Number(n)).toBeGreaterThan(0);
    const months = await platform.sql<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit_entries'::regclass`,
    );
    const tables = ['entries', 'leaves', 'checkpoints', 'tombstones'].map((name) => `audit_${name}`);
    const columns: Record<string, string> = { audit_leaves: 'hash', audit_checkpoints: 'jws', audit_tombstones: 'jws' };
    for (const table of [...tables, ...months.map(({ name }) => name)]) {
      const column = columns[table] ?? 'actor';
      for (const sql of [
        `UPDATE ${table} SET ${column} = ${column} WHERE false`,
        `DELETE FROM ${table} WHERE false`,
        `TRUNCATE ${table}`,
      ])
        // By right, before any trigger: the trigger's words would be others.
        await expect(platform.sqlAsApplication(sql)).rejects.toMatchObject({
          code: '42501',
          message: `permission denied for table ${table}`,
        });
      await expect(platform.sqlAsApplication(`DROP TABLE ${table}`)).rejects.toMatchObject({ code: '42501' });
    }
    const [rights] = await platform.sqlAsApplication<Record<string, boolean>>(
      `SELECT has_table_privilege('audit_entries', 'INSERT') AS adds, has_table_privilege('audit_entries', 'SELECT') AS reads,
              has_table_privilege('audit_tombstones', 'INSERT') AS buries`,
    );
    expect(rights).toEqual({ adds: true, reads: true, buries: false });
  });
});
