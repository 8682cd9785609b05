import { prepareDatabase } from './prepare-database';

/**
 * `npm run migrate`: brings the database to the version of this program. An explicit step everywhere but on the embedded default. With MIGRATION_DATABASE_URL
 * it is done as that role, which then owns the tables, and the role of DATABASE_URL gets the rights of the application.
 */
async function main(): Promise<void> {
  const { DATABASE_URL: url, MIGRATION_DATABASE_URL: ownerUrl } = process.env;
  if (!url) throw new Error('DATABASE_URL is not set. Set it to the PostgreSQL server to migrate.');
  const done = await prepareDatabase(ownerUrl || url, url);
  process.stdout.write(`${done} migration(s) applied; the database is up to date\n`);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
