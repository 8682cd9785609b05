import { createDataSource } from './data-source';

/** `npm run migrate`: brings the database at DATABASE_URL to the version of this program. An explicit step everywhere but on the embedded default. */
async function main(): Promise<void> {
  const url = process.env.DATABASE_URL;
  if (!url) throw new Error('DATABASE_URL is not set. Set it to the PostgreSQL server to migrate.');
  const dataSource = createDataSource({ url, poolSize: 1, applicationName: 'migrate' });
  await dataSource.initialize();
  try {
    const done = await dataSource.runMigrations({ transaction: 'all' });
    process.stdout.write(`${done.length} migration(s) applied; the database is up to date\n`);
  } finally {
    await dataSource.destroy();
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
