import { prepareDatabase } from '@lienthong/persistence';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { emptyDatabase, type EmptyDatabase } from '../../support/database';
import { itWhen } from '../../support/when';

const withRoles = itWhen(!process.env.DATABASE_URL, 'the role of DATABASE_URL need not be one that makes roles');

describe('the two roles of a database', () => {
  const suffix = randomBytes(4).toString('hex');
  const [owner, application] = [`owner_${suffix}`, `app'"${suffix}`];
  const password = `pass'word"\\ ${suffix}`;
  let database: EmptyDatabase;

  beforeAll(async () => {
    database = await emptyDatabase();
  }, 60_000);
  afterAll(() => database.drop(), 60_000);

  const as = (username: string, secret: string) =>
    Object.assign(new URL(database.url), {
      username: encodeURIComponent(username),
      password: encodeURIComponent(secret),
    }).href;
  const asked = async (url: string, ...statements: string[]) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      for (const sql of statements.slice(0, -1)) await client.query(sql);
      return (await client.query<Record<string, unknown>>(statements.at(-1)!)).rows;
    } finally {
      await client.end();
    }
  };

  withRoles('are told apart by the migrations, which say what is missing and make it where they may', async () => {
    const name = new URL(database.url).pathname.slice(1);
    await asked(
      database.url,
      `CREATE ROLE ${owner} LOGIN PASSWORD 'owner'`,
      `ALTER DATABASE ${name} OWNER TO ${owner}`,
      `GRANT ALL ON SCHEMA public TO ${owner}`,
    );
    const [ownerUrl, applicationUrl] = [as(owner, 'owner'), as(application, password)];
    await expect(prepareDatabase(ownerUrl, applicationUrl)).rejects.toMatchObject({
      name: 'StartError',
      message: expect.stringContaining(`The role ${application} of DATABASE_URL does not exist`) as string,
    });

    await asked(database.url, `ALTER ROLE ${owner} CREATEROLE`);
    await prepareDatabase(ownerUrl, applicationUrl);
    await asked(applicationUrl, `INSERT INTO audit_entries (actor, action) VALUES ('app', 'packet.read')`);
    expect(await asked(applicationUrl, 'SELECT actor FROM audit_entries')).toEqual([{ actor: 'app' }]);
    for (const sql of ['UPDATE audit_entries SET actor = actor', 'DELETE FROM audit_entries', 'TRUNCATE audit_entries'])
      await expect(asked(applicationUrl, sql)).rejects.toMatchObject({
        code: '42501',
        message: 'permission denied for table audit_entries',
      });
    // The owner is stopped by triggers alone.
    await expect(asked(ownerUrl, 'DELETE FROM audit_entries')).rejects.toThrow('only added to');

    // Again, as with every new version: the role keeps the password that an administrator gave it since.
    await asked(database.url, `ALTER ROLE "${application.replace('"', '""')}" PASSWORD 'another'`);
    expect(await prepareDatabase(ownerUrl, applicationUrl)).toBe(0);
    expect(await asked(as(application, 'another'), 'SELECT count(*)::int AS n FROM audit_entries')).toEqual([{ n: 1 }]);
  });
});
