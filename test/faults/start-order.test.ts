import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppProcess } from '../support/app-process';
import { type TestDatabase, testDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { onRealStack } from '../support/platform';
import { freePort } from '../support/standalone-process';
import { TcpProxy } from '../support/tcp-proxy';
import { itWhen } from '../support/when';

jest.setTimeout(120_000);
const AT_ONCE = 20_000;

/** A machine that reboots starts everything at once: an app waits for its servers, but not for what only an operator can put right. */
describe('An app that starts', () => {
  let database: TestDatabase;
  let folder: string;
  let app: AppProcess | undefined;
  const proxies: TcpProxy[] = [];

  beforeAll(async () => {
    database = await testDatabase();
    folder = mkdtempSync(join(tmpdir(), 'lienthong-start-'));
  });
  afterEach(async () => {
    await app?.stop();
    app = undefined;
    for (const proxy of proxies.splice(0)) await proxy.cut();
  });
  afterAll(async () => {
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (env: Record<string, string>): Promise<AppProcess> => {
    app = AppProcess.start('scheduler', {
      HOST: '127.0.0.1',
      PORT: String(await freePort()),
      INTERNAL_PORT: String(await freePort()),
      PUBLIC_URL: 'http://127.0.0.1:1',
      PLATFORM_SECRET: randomBytes(32).toString('base64url'),
      DATABASE_URL: database.url,
      QUEUE: 'postgres',
      STORAGE: 'filesystem',
      DATA_DIR: folder,
      ...env,
    });
    return app;
  };

  /** An address at which nobody answers until the proxy is opened. */
  const away = async (url: string) => {
    const { hostname, port } = new URL(url);
    const proxy = new TcpProxy({ host: hostname, port: Number(port) });
    await proxy.open();
    const address = proxy.address(url);
    await proxy.cut();
    proxies.push(proxy);
    return { proxy, address };
  };

  const waits = async (scheduler: AppProcess, server: string) => {
    await eventually(() => scheduler.log().includes(`waiting for the ${server}`), { within: AT_ONCE });
    const alive = await eventually(() => scheduler.get('/healthz'));
    const ready = await scheduler.get('/readyz');
    expect([alive.status, ready.status]).toEqual([200, 503]);
    expect(await ready.json()).toMatchObject({ status: 'not ready' });
  };

  const refuses = async (env: Record<string, string>, sentence: RegExp) => {
    const scheduler = await start({ STARTUP_WAIT_SECONDS: '300', ...env });
    expect(await scheduler.exit(AT_ONCE)).toBe(1);
    const said = scheduler.log().trim().split('\n');
    expect(said.at(-1)).toMatch(sentence);
    expect(scheduler.log()).not.toContain('waiting for');
    expect(scheduler.log()).not.toMatch(/^\s+at /m);
  };

  it('waits for PostgreSQL, alive but not ready, and serves when it answers', async () => {
    const { proxy, address } = await away(database.url);
    const scheduler = await start({ DATABASE_URL: address });
    await waits(scheduler, 'database');
    await proxy.open();
    await scheduler.ready();
  });

  itWhen(onRealStack, 'S3 runs on the real stack only')('waits for S3 in the same way', async () => {
    const { S3_ENDPOINT = '', S3_ACCESS_KEY = '', S3_SECRET_KEY = '' } = process.env;
    const { proxy, address } = await away(S3_ENDPOINT);
    const scheduler = await start({ STORAGE: 's3', S3_ENDPOINT: address, S3_ACCESS_KEY, S3_SECRET_KEY });
    await waits(scheduler, 'storage');
    await proxy.open();
    await scheduler.ready();
  });

  itWhen(onRealStack, 'RabbitMQ runs on the real stack only')('waits for RabbitMQ in the same way', async () => {
    const { RABBITMQ_URL = '', RABBITMQ_MANAGEMENT_URL = '' } = process.env;
    // A vhost of its own: on the platform's it would take the platform's tasks.
    const management = new URL(RABBITMQ_MANAGEMENT_URL);
    const vhost = `start_${randomBytes(6).toString('hex')}`;
    const { username, password } = new URL(RABBITMQ_URL);
    const change = (method: string) =>
      fetch(`${management.origin}/api/vhosts/${vhost}`, {
        method,
        headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
      });
    expect((await change('PUT')).ok).toBe(true);
    try {
      const { proxy, address } = await away(Object.assign(new URL(RABBITMQ_URL), { pathname: `/${vhost}` }).href);
      const scheduler = await start({ QUEUE: 'rabbitmq', RABBITMQ_URL: address });
      const alive = await eventually(() => scheduler.get('/healthz'), { within: AT_ONCE });
      const ready = await eventually(() => scheduler.get('/readyz'), { within: AT_ONCE });
      expect([alive.status, ready.status]).toEqual([200, 503]);
      await proxy.open();
      await scheduler.ready();
    } finally {
      await app?.stop();
      await change('DELETE');
    }
  });

  it('gives up in one sentence after STARTUP_WAIT_SECONDS', async () => {
    const { address } = await away(database.url);
    const scheduler = await start({ DATABASE_URL: address, STARTUP_WAIT_SECONDS: '1' });
    expect(await scheduler.exit(AT_ONCE)).toBe(1);
    expect(scheduler.log().trim().split('\n').at(-1)).toMatch(/^No use of the database within 1 s \(.*ECONNREFUSED/);
  });

  it('does not wait with a wrong password or an unknown database', async () => {
    const wrong = Object.assign(new URL(database.url), { password: 'wrong' }).href;
    await refuses({ DATABASE_URL: wrong }, /password authentication failed/);
    const unknown = Object.assign(new URL(database.url), { pathname: '/absent' }).href;
    await refuses({ DATABASE_URL: unknown }, /database "absent" does not exist/);
  });

  it('does not wait with a database that may forget what it has committed', async () => {
    const name = new URL(database.url).pathname.slice(1);
    await database.dataSource.query(`ALTER DATABASE ${name} SET synchronous_commit = off`);
    try {
      await refuses({}, /synchronous_commit = off/);
    } finally {
      await database.dataSource.query(`ALTER DATABASE ${name} RESET synchronous_commit`);
    }
  });

  it('does not wait with a port that is taken, even while a server is away', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    try {
      const { address } = await away(database.url);
      const scheduler = await start({ DATABASE_URL: address, INTERNAL_PORT: String(port) });
      expect(await scheduler.exit(AT_ONCE)).toBe(1);
      expect(scheduler.log().trim().split('\n').at(-1)).toMatch(`INTERNAL_PORT: port ${port} is in use`);
    } finally {
      other.close();
    }
  });

  itWhen(onRealStack, 'S3 runs on the real stack only')(
    'does not wait with a wrong S3 key, or a bucket that is not there and cannot be made',
    async () => {
      const { S3_ENDPOINT = '', S3_ACCESS_KEY = '', S3_SECRET_KEY = '' } = process.env;
      const s3 = { STORAGE: 's3', S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY };
      await refuses({ ...s3, S3_SECRET_KEY: 'wrong' }, /Bucket lienthong at .* cannot be used/);
      await refuses({ ...s3, S3_BUCKET: 'NoT_a_bucket' }, /Bucket NoT_a_bucket at .* cannot be used/);
    },
  );
});
