import { type IssuedKey, KEY_WARNING_DAYS, type KeyView, type Page, type RotatedKey } from '@lienthong/contracts';
import { IdentityModule, type MasterKeys, WebhookSecrets } from '@lienthong/identity';
import { KeyStore, OutboxStore, PersistenceModule, Transactions, WebhookStore } from '@lienthong/persistence';
import { QueueModule } from '@lienthong/queue';
import { boot, createLog, type RunningApp } from '@lienthong/runtime';
import type { SigningKey } from '@lienthong/signing';
import { Module } from '@nestjs/common';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { AuthModule } from '../../../apps/auth/src/app.module';
import { type TestDatabase, testDatabase } from '../../support/database';
import { signedFetch } from '../../support/signed-fetch';
import { freePort } from '../../support/standalone-process';

const [former, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const DAY_MS = 86_400_000;
const rsa = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

describe('the care of keys, over HTTP and on PostgreSQL', () => {
  let database: TestDatabase;
  let folder: string;
  let auth: RunningApp;
  let administrator: SigningKey;
  const started: RunningApp[] = [];

  async function start(masterKeys: MasterKeys): Promise<RunningApp> {
    @Module({
      imports: [
        PersistenceModule.for({
          url: database.url,
          poolSize: 4,
          applicationName: 'test',
          platformSecret: 'a platform secret for tests only, of some length',
          issuer: 'http://localhost:8081',
        }),
        QueueModule.forSending({ driver: 'postgres', connectionString: database.url }, OutboxStore),
        IdentityModule.for({
          platformSecret: 'a platform secret for tests only, of some length',
          accessKeys: masterKeys,
        }),
        AuthModule.for({
          tokenSeconds: 3600,
          publicUrl: 'http://localhost:8081',
          adminKeyFile: join(folder, 'admin-key.json'),
        }),
      ],
    })
    class AuthProcess {}
    const config = {
      PORT: 0,
      HOST: '127.0.0.1',
      INTERNAL_PORT: await freePort(),
      PUBLIC_URL: 'http://localhost:8081',
      LOG_LEVEL: 'silent' as const,
      RATE_LIMIT_PER_MINUTE: 0,
      RATE_LIMIT_PER_KEY_PER_MINUTE: 0,
      OVERLOAD_LAG_MS: 200,
      OVERLOAD_TARGET_MS: 300,
      TRUST_PROXY: [],
    };
    const app = await boot({
      name: 'auth',
      module: AuthProcess,
      config,
      log: createLog({ name: 'test', level: 'silent' }),
      ownsProcess: false,
    });
    started.push(app);
    return app;
  }

  beforeAll(async () => {
    database = await testDatabase();
    folder = mkdtempSync(join(tmpdir(), 'lienthong-keys-'));
    auth = await start({ masterKey: former, others: [] });
    const { accessKey, secretKey } = JSON.parse(readFileSync(join(folder, 'admin-key.json'), 'utf8')) as IssuedKey;
    administrator = { keyId: accessKey, alg: 'hmac-sha256', secret: secretKey };
    await admin('POST', 'agencies', { code: 'H01.14', name: 'Sở Nội vụ' });
    await admin('POST', 'systems', { id: 'H01.14/qlvb', name: 'QLVB', receives: [] });
    await admin('POST', 'systems', { id: 'H01.14/other', name: 'Khác', receives: [] });
  }, 120_000);
  afterAll(async () => {
    for (const app of started) await app.close();
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const call = <T>(method: string, path: string, key: SigningKey, body?: unknown, app = auth) =>
    signedFetch<T>(`http://127.0.0.1:${app.port}`, path, { method, body, key });
  const admin = <T>(method: string, path: string, body?: unknown, app = auth) =>
    call<T>(method, `/v1/admin/${path}`, administrator, body, app);
  const hmac = ({ accessKey, secretKey }: IssuedKey): SigningKey => ({
    keyId: accessKey,
    alg: 'hmac-sha256',
    secret: secretKey,
  });
  const issue = async (more: object = {}, system = 'qlvb'): Promise<IssuedKey> => {
    const body = { algorithms: ['hmac-sha256'], ...more };
    const { status, json } = await admin<IssuedKey>('POST', `systems/H01.14/${system}/keys`, body);
    expect(status).toBe(201);
    return json;
  };
  const signsIn = async (key: SigningKey, app = auth) =>
    (await call('POST', '/v1/sessions', key, {}, app)).status === 201;
  const warn = () =>
    new Transactions(database.dataSource).run((unit) =>
      new KeyStore(new Transactions(database.dataSource)).warn(unit, 100),
    );
  const endsIn = (accessKey: string, days: number) =>
    database.dataSource.query('UPDATE keys SET expires_at = $2 WHERE access_key = $1', [
      accessKey,
      new Date(Date.now() + days * DAY_MS - 60_000),
    ]);

  it('rotates a key without a stop: both hold until the former ends', async () => {
    const key = await issue();
    const { status, json } = await admin<RotatedKey>('POST', `systems/H01.14/qlvb/keys/${key.accessKey}/rotate`, {
      overlapSeconds: 3600,
    });
    expect(status).toBe(201);
    expect(json.replaces.accessKey).toBe(key.accessKey);
    expect(await signsIn(hmac(key))).toBe(true);
    expect(await signsIn(hmac(json))).toBe(true);
    const again = await admin('POST', `systems/H01.14/qlvb/keys/${key.accessKey}/rotate`, {});
    expect(again).toMatchObject({ status: 409, json: { code: 'wrong_state' } });
    const { json: page } = await admin<Page<KeyView>>('GET', 'systems/H01.14/qlvb/keys');
    expect(page.items.find(({ accessKey }) => accessKey === key.accessKey)).toMatchObject({
      replacedBy: json.accessKey,
      expiresAt: json.replaces.expiresAt,
    });
    const last = await admin<RotatedKey>('POST', `systems/H01.14/qlvb/keys/${json.accessKey}/rotate`, {
      overlapSeconds: 0,
    });
    expect(await signsIn(hmac(json))).toBe(false);
    expect(await signsIn(hmac(last.json))).toBe(true);
  });

  it('lets a system register, rotate and revoke its own keys, signed with an access key', async () => {
    const key = hmac(await issue());
    const pair = rsa();
    const registered = await call<IssuedKey>('POST', '/v1/keys', key, {
      algorithms: ['rsa-pss-sha512'],
      publicKeyPem: pair.publicKey,
    });
    expect(registered).toMatchObject({ status: 201, json: { systemId: 'H01.14/qlvb' } });
    expect(registered.json).not.toHaveProperty('secretKey');
    const own: SigningKey = {
      keyId: registered.json.accessKey,
      alg: 'rsa-pss-sha512',
      privateKeyPem: pair.privateKey,
    };
    expect(await signsIn(own)).toBe(true);
    const rotated = await call<RotatedKey>('POST', `/v1/keys/${own.keyId}/rotate`, own, {
      publicKeyPem: rsa().publicKey,
    });
    expect(rotated.status).toBe(201);
    expect((await call('DELETE', `/v1/keys/${own.keyId}`, own)).status).toBe(204);
    expect(await signsIn(own)).toBe(false);
    const { json: list } = await call<Page<KeyView>>('GET', '/v1/keys', key);
    expect(list.items.map(({ accessKey }) => accessKey)).toEqual(
      expect.arrayContaining([key.keyId, own.keyId, rotated.json.accessKey]),
    );
  });

  it('lets no session make a key, no system touch the key of another, no weak or secret key be registered', async () => {
    const key = hmac(await issue());
    const { json: session } = await call<{ sessionId: string; sessionKey: string }>('POST', '/v1/sessions', key, {});
    const inSession: SigningKey = { keyId: session.sessionId, alg: 'hmac-sha256', secret: session.sessionKey };
    const body = { algorithms: ['rsa-pss-sha512'], publicKeyPem: rsa().publicKey };
    expect(await call('POST', '/v1/keys', inSession, body)).toMatchObject({
      status: 403,
      json: { code: 'access_denied' },
    });
    expect(await call('DELETE', `/v1/keys/${key.keyId}`, inSession)).toMatchObject({ status: 403 });
    const other = await issue({}, 'other');
    const foreign = await call<object>('DELETE', `/v1/keys/${other.accessKey}`, key);
    const absent = await call<object>('DELETE', `/v1/keys/AKnone`, key);
    expect(foreign).toMatchObject({ status: 404, json: { code: 'not_found' } });
    expect({ ...foreign.json, instance: '' }).toEqual({ ...absent.json, instance: '' });
    expect(await signsIn(hmac(other))).toBe(true);
    expect((await call('POST', '/v1/keys', key, { ...body, algorithms: ['hmac-sha256'] })).status).toBe(400);
    expect((await call('POST', '/v1/keys', key, { ...body, bearer: true })).status).toBe(400);
    expect(await call('GET', '/v1/keys', administrator)).toMatchObject({ status: 403 });
  });

  it('warns once at 30, 7 and 1 days before the end, and not of a key that was issued for less', async () => {
    const key = await issue({ expiresAt: new Date(Date.now() + 40 * DAY_MS).toISOString() });
    const brief = await issue({ expiresAt: new Date(Date.now() + 5 * DAY_MS).toISOString() });
    const warned = async () => (await warn()).map(({ accessKey }) => accessKey);
    expect(await warned()).not.toContain(key.accessKey);
    for (const days of KEY_WARNING_DAYS) {
      await endsIn(key.accessKey, days);
      expect(await warned()).toContain(key.accessKey);
      expect(await warned()).toEqual([]);
    }
    await endsIn(brief.accessKey, 1);
    expect(await warned()).toEqual([brief.accessKey]);
    await endsIn(key.accessKey, 0);
    expect(await warned()).toEqual([]);
  });

  it('keeps no secret that can be read, and nothing that opens without the master key', async () => {
    const { accessKey, secretKey } = await issue();
    const tables = await database.dataSource.query<{ row: string }[]>(
      `SELECT k::text AS row FROM keys k UNION ALL SELECT s::text FROM sessions s UNION ALL SELECT d::text FROM day_key_roots d`,
    );
    expect(tables.length).toBeGreaterThan(1);
    const hex = Buffer.from(secretKey ?? '').toString('hex');
    for (const { row } of tables) {
      expect(row).not.toContain(secretKey);
      expect(row).not.toContain(hex);
    }
    expect(accessKey).toMatch(/^AK/);
    await expect(start({ masterKey: next, others: [] })).rejects.toThrow(/^MASTER_KEY does not open/);
  });

  /** The present secret and the former one, which signs too. */
  async function twoSecretsOfAWebhook(app: RunningApp['app']): Promise<string[]> {
    const systemId = 'H01.14/qlvb';
    const secrets: string[] = [];
    for (const webhookId of [uuidv7(), uuidv7()]) {
      const made = await app.get(WebhookSecrets).make({ webhookId, systemId });
      const webhook = { webhookId, systemId, url: 'https://qlvb.example.vn/', events: null, sealed: made.sealed };
      await app.get(WebhookStore).set(webhook, 60);
      secrets.unshift(made.secret);
    }
    return secrets;
  }
  async function opened(app: RunningApp['app']): Promise<string[]> {
    const [row] =
      await database.dataSource.query<
        { id: string; sealed_secret: Buffer; former_id: string; former_secret: Buffer }[]
      >('SELECT * FROM webhooks');
    const secrets = app.get(WebhookSecrets);
    const open = (webhookId: string, box: Buffer) => secrets.open({ webhookId, systemId: 'H01.14/qlvb' }, box);
    return Promise.all([open(row.id, row.sealed_secret), open(row.former_id, row.former_secret)]);
  }

  it('goes over to another master key while it runs', async () => {
    const key = hmac(await issue());
    const { json: session } = await call<{ sessionId: string; sessionKey: string }>('POST', '/v1/sessions', key, {});
    const inSession: SigningKey = { keyId: session.sessionId, alg: 'hmac-sha256', secret: session.sessionKey };
    const works = async (app: RunningApp) =>
      (await signsIn(key, app)) && (await call('GET', '/v1/keys', inSession, undefined, app)).status === 200;

    const knowsBoth = await start({ masterKey: former, others: [next] });
    const sealsNext = await start({ masterKey: next, others: [former] });
    // Made while both kinds of process run, and good in either.
    const { json: made } = await admin<IssuedKey>(
      'POST',
      'systems/H01.14/qlvb/keys',
      { algorithms: ['hmac-sha256'] },
      sealsNext,
    );
    expect(await signsIn(hmac(made), knowsBoth)).toBe(true);

    const webhooks = await twoSecretsOfAWebhook(knowsBoth.app);
    const { json: rewrap } = await admin<{ rewrapped: number }>('POST', 'rewraps', undefined, sealsNext);
    expect(rewrap.rewrapped).toBeGreaterThan(3);
    expect((await admin<{ rewrapped: number }>('POST', 'rewraps', undefined, sealsNext)).json).toEqual({
      rewrapped: 0,
    });
    const entries = await database.dataSource.query<{ actor: string; action: string; subject: string | null }[]>(
      `SELECT actor, action, subject FROM audit_entries WHERE action LIKE '%.rewrapped'`,
    );
    expect(entries).toHaveLength(rewrap.rewrapped);
    const by = { actor: administrator.keyId };
    for (const entry of [
      { ...by, action: 'key.rewrapped', subject: key.keyId },
      { ...by, action: 'webhook.rewrapped', subject: 'H01.14/qlvb' },
      { ...by, action: 'dayKeys.rewrapped', subject: null },
    ])
      expect(entries).toContainEqual(entry);
    for (const app of [knowsBoth, sealsNext]) expect(await works(app)).toBe(true);

    const onlyNext = await start({ masterKey: next, others: [] });
    expect(await works(onlyNext)).toBe(true);
    expect(await signsIn(hmac(made), onlyNext)).toBe(true);
    expect(await opened(onlyNext.app)).toEqual(webhooks);
    await expect(start({ masterKey: former, others: [] })).rejects.toThrow(/^MASTER_KEY does not open/);
  });
});
