import { StartError } from '@lienthong/contracts';
import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { createDataSource } from './data-source';

/** The role that the platform works as on the embedded default. */
const EMBEDDED_ROLE = 'lienthong_app';

/**
 * Brings the database to this program's version, as the owner of its tables.
 * @param ownerUrl who owns the tables; may be the application itself, then only triggers keep it from changing its audit log
 * @param applicationUrl who the platform works as: made when there is no such role, and its rights set anew each time
 * @returns how many migrations were applied
 * @throws StartError when the role is missing and the owner may not make it
 */
export async function prepareDatabase(ownerUrl: string, applicationUrl = ownerUrl): Promise<number> {
  const [owner, role] = [ownerUrl, applicationUrl].map((url) => decodeURIComponent(new URL(url).username));
  return asOwner(ownerUrl, async (dataSource) => {
    const done = await dataSource.runMigrations({ transaction: 'all' });
    await beginEraAfterRestore(dataSource);
    if (role === owner) return done.length;
    await makeRole(dataSource, role, decodeURIComponent(new URL(applicationUrl).password));
    await grantApplication(dataSource, role);
    return done.length;
  });
}

/**
 * As `prepareDatabase`, for the embedded server: the platform works as a role of its own, whose password is made anew each time and is kept nowhere.
 * @returns the URL that the platform works with
 */
export async function prepareEmbedded(ownerUrl: string): Promise<string> {
  const password = randomBytes(24).toString('base64url');
  const url = new URL(ownerUrl);
  await asOwner(ownerUrl, async (dataSource) => {
    const [known] = await dataSource.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [EMBEDDED_ROLE]);
    await dataSource.query(`${known ? 'ALTER' : 'CREATE'} ROLE ${EMBEDDED_ROLE} LOGIN PASSWORD '${password}'`);
    await dataSource.query(`GRANT CREATE ON DATABASE "${url.pathname.slice(1)}" TO ${EMBEDDED_ROLE}`);
    // Of a version that worked as the owner. What waited in it comes again: tasks are hints, the sweep finds what they were about.
    const [queue] = await dataSource.query(
      `SELECT 1 FROM pg_namespace WHERE nspname = 'lienthong_queue' AND pg_get_userbyid(nspowner) <> $1`,
      [EMBEDDED_ROLE],
    );
    if (queue) await dataSource.query('DROP SCHEMA lienthong_queue CASCADE');
  });
  Object.assign(url, { username: EMBEDDED_ROLE, password });
  await prepareDatabase(ownerUrl, url.href);
  return url.href;
}

/** A role that is there keeps its password. */
async function makeRole(dataSource: DataSource, role: string, password: string): Promise<void> {
  const [known] = await dataSource.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
  if (known) return;
  const [{ sql }] = await dataSource.query<{ sql: string }[]>(
    `SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', $1::text, $2::text) AS sql`,
    [role, password],
  );
  await dataSource.query(sql).catch((error: { code?: string }) => {
    if (error.code !== '42501') throw error;
    throw new StartError(
      `The role ${role} of DATABASE_URL does not exist, and the owner of the tables may not make roles. Make it as an administrator of the server: CREATE ROLE ${role} LOGIN PASSWORD '…'.`,
    );
  });
}

/** Everything but changing the audit log: of that it may add and read, and call the two functions that the owner made for it (0004-audit). */
export async function grantApplication(dataSource: DataSource, role: string): Promise<void> {
  const [{ name, schema }] = await dataSource.query<{ name: string; schema: string }[]>(
    'SELECT quote_ident($1) AS name, quote_ident(current_schema()) AS schema',
    [role],
  );
  const log = ['entries', 'leaves', 'checkpoints'].map((table) => `audit_${table}`).join(', ');
  const audit = await dataSource.query<{ tables: string }[]>(
    `SELECT string_agg(quote_ident(tablename), ', ') AS tables FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE 'audit\\_%'`,
  );
  await dataSource.query(`
    GRANT USAGE ON SCHEMA ${schema} TO ${name};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${name};
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${schema} TO ${name};
    REVOKE ALL ON ${audit[0].tables}, migrations FROM ${name};
    GRANT SELECT ON audit_tombstones, migrations TO ${name};
    GRANT SELECT, INSERT ON ${log} TO ${name};
  `);
}

/**
 * A dump that was restored into another cluster brings transaction numbers that are higher than the cluster's own: what is recorded from now on could not come
 * behind them. A new era does (order of sealing: era, then number). Only the newest entry is looked at: every start of the embedded default does so.
 */
async function beginEraAfterRestore(dataSource: DataSource): Promise<void> {
  const [newest] = await dataSource.query<{ ahead: boolean; last: number; now: number }[]>(
    `SELECT xid >= pg_snapshot_xmax(pg_current_snapshot()) AS ahead, era AS last,
            (SELECT coalesce(substring(pg_get_expr(adbin, adrelid) FROM '[0-9]+'), '0')::int
             FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
             WHERE a.attrelid = 'audit_entries'::regclass AND a.attname = 'era') AS now
     FROM audit_entries ORDER BY era DESC, xid DESC, id DESC LIMIT 1`,
  );
  if (newest?.ahead && newest.last === newest.now)
    await dataSource.query(`ALTER TABLE audit_entries ALTER COLUMN era SET DEFAULT ${newest.now + 1}`);
}

async function asOwner<T>(url: string, work: (dataSource: DataSource) => Promise<T>): Promise<T> {
  const dataSource = await createDataSource({ url, poolSize: 1, applicationName: 'migrate' }).initialize();
  try {
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
