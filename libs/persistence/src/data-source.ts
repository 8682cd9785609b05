import 'reflect-metadata';
import { StartError } from '@lienthong/contracts';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { CorkedClient } from './corked-client';
import { ENTITIES } from './registry/entities';
import { MIGRATIONS } from './migrations/all';

export interface DatabaseSettings {
  url: string;
  /** Connections of this process's pool. */
  poolSize: number;
  /** Shown by PostgreSQL beside each connection. */
  applicationName: string;
  /** A schema of its own, for tests that share a server. */
  schema?: string;
}

/**
 * The one way to PostgreSQL, for the apps, the migrations and the tests. Timeouts are the bulkheads of reliability 9.1: a statement 5 s, a lock 2 s,
 * a place in the pool 3 s, an idle transaction 10 s, the answer of a server that may be gone without a word 8 s; past them the caller gets an error
 * that the edge answers with 503.
 */
export function createDataSource(settings: DatabaseSettings): DataSource {
  const { url, poolSize, applicationName, schema } = settings;
  return new DataSource({
    type: 'postgres',
    url,
    schema,
    applicationName,
    entities: ENTITIES,
    migrations: MIGRATIONS,
    migrationsTableName: 'migrations',
    synchronize: false,
    logging: false,
    poolSize,
    connectTimeoutMS: 3000,
    // An idle connection that breaks is replaced by the pool; without a handler its error would end the process.
    poolErrorHandler: () => undefined,
    extra: {
      statement_timeout: 5000,
      // The server's own limit comes first; this ends a connection whose other end is gone, for which TCP alone would wait a quarter of an hour.
      query_timeout: 8000,
      lock_timeout: 2000,
      idle_in_transaction_session_timeout: 10_000,
      // Statements that are not awaited one by one go out together (`Unit`).
      pipeline: true,
      // A connection costs both sides some milliseconds (SCRAM, a process, its plans): one that waits a quarter of an hour costs less than a new one each 10 s.
      idleTimeoutMillis: 900_000,
      Client: CorkedClient,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      // Every statement here is short: compiling one costs more than it could save, a quarter of a second where estimates are high.
      options: ['-c jit=off', ...(schema ? [`-c search_path=${schema},public`] : [])].join(' '),
    },
  });
}

/** SQLSTATEs that waiting does not mend: 28 wrong user or password, 3D000 no such database, 42501 not allowed to enter it. */
const REFUSED = /^(28\w{3}|3D000|42501)$/;

/** One look at the server, for who waits for it. @throws StartError when the settings are wrong, else what pg says */
export async function reachDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (REFUSED.test(code ?? '')) throw new StartError(`PostgreSQL refuses DATABASE_URL: ${message}. Correct it.`);
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Of PostgreSQL, with what makes it forget what it has confirmed; with the last, it takes a sync that failed for done when it is repeated. */
const FORGETFUL = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', data_sync_retry: 'on' };

/**
 * Refuses a server that may forget what it has committed: every 2xx of the platform stands on these settings (reliability 3, P1).
 * @throws StartError that names the setting and what to do
 */
export async function assertDurable(dataSource: Pick<DataSource, 'query'>): Promise<void> {
  for (const [setting, forgetful] of Object.entries(FORGETFUL)) {
    const [row] = await dataSource.query<Record<string, string>[]>(`SHOW ${setting}`);
    if (row[setting] === forgetful)
      throw new StartError(
        `PostgreSQL runs with ${setting} = ${forgetful} and may lose what it has confirmed. Set ${setting} = ${forgetful === 'off' ? 'on' : 'off'} and restart.`,
      );
  }
}

/** @throws StartError when migrations are missing: they are an explicit step (`npm run migrate`) outside the embedded default */
export async function assertMigrated(dataSource: DataSource): Promise<void> {
  if (await dataSource.showMigrations())
    throw new StartError('The database is not at the version of this program. Run `npm run migrate` first.');
}
