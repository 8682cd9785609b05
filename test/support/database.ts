import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDataSource, EmbeddedPostgres } from '@lienthong/persistence';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { eventually } from './eventually';

export interface TestDatabase {
  url: string;
  dataSource: DataSource;
  drop(): Promise<void>;
}

export interface EmptyDatabase {
  url: string;
  drop(): Promise<void>;
}

/** A migrated database of its own on the server of DATABASE_URL, or on an embedded PostgreSQL started for this test file. */
export async function testDatabase(): Promise<TestDatabase> {
  const { url, drop } = await emptyDatabase();
  const dataSource = createDataSource({ url, poolSize: 10, applicationName: 'test' });
  await dataSource.initialize();
  await dataSource.runMigrations({ transaction: 'all' });
  return {
    url,
    dataSource,
    drop: async () => {
      if (dataSource.isInitialized) await dataSource.destroy();
      await drop();
    },
  };
}

/**
 * Waits until no transaction of the whole server is in progress any more that began before this call: an autovacuum, or another test's. Only then can
 * all that is committed by now be sealed.
 */
export async function settled(database: Pick<DataSource, 'query'>): Promise<void> {
  const [{ xid }] = await database.query('SELECT pg_current_xact_id()::text AS xid');
  await eventually(
    async () => {
      const [{ passed }] = await database.query(
        'SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8 AS passed',
        [xid],
      );
      if (!passed) throw new Error(`A transaction that is not younger than ${xid} is still in progress.`);
      return passed;
    },
    { within: 60_000 },
  );
}

/** As `testDatabase`, with nothing in it. */
export async function emptyDatabase(): Promise<EmptyDatabase> {
  const server = process.env.DATABASE_URL ? undefined : startEmbedded();
  const serverUrl = process.env.DATABASE_URL ?? (await server!.url);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(serverUrl, `CREATE DATABASE ${name}`);
  return {
    url: Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href,
    drop: async () => {
      // An autovacuum worker is the superuser's: to force it out takes more rights than to drop the database, which asks it to leave.
      await onServer(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
        .catch(() => onServer(serverUrl, `DROP DATABASE IF EXISTS ${name}`))
        .catch((error) => {
          if (!server) throw error;
        });
      await server?.stop();
    },
  };
}

function startEmbedded() {
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-test-'));
  const postgres = new EmbeddedPostgres(folder);
  return {
    url: postgres.start(),
    stop: async () => {
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
