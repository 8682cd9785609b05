import type { IssuedKey, QueuesAnswer, SessionAnswer } from '@lienthong/contracts';
import {
  AccessKeyVerifier,
  Administrator,
  answerInternalCalls,
  Caller,
  CallingSystem,
  DayKeys,
  IdentityModule,
  InternalCalls,
  WebhookSecrets,
  Public,
  type SystemCaller,
} from '@lienthong/identity';
import { OutboxStore, PersistenceModule } from '@lienthong/persistence';
import { QueueModule } from '@lienthong/queue';
import { boot, createLog, type RunningApp } from '@lienthong/runtime';
import type { SigningKey } from '@lienthong/signing';
import { Controller, Get, Module } from '@nestjs/common';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthModule } from '../../../apps/auth/src/app.module';
import { type TestDatabase, testDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { freePort } from '../../support/standalone-process';
import { signedFetch } from '../../support/signed-fetch';

const log = createLog({ name: 'test', level: 'silent' });
const platformSecret = 'a platform secret for tests only, of some length';

/** What connector and notifier are to authentication: routes, and no master key. */
@Controller('v1')
class Routes {
  @Get('who') who(@Caller() caller: Caller) {
    return { systemId: caller.systemId, sessionId: caller.sessionId ?? null };
  }
  @Get('system') system(@CallingSystem() caller: SystemCaller) {
    return { systemId: caller.systemId };
  }
  @Public() @Get('open') open() {
    return { open: true };
  }
  @Administrator() @Get('admin') admin() {
    return { admin: true };
  }
}

describe('authentication over HTTP, two instances of auth and one that asks them', () => {
  let database: TestDatabase;
  let folder: string;
  const auths: RunningApp[] = [];
  let asking: RunningApp;
  let administrator: SigningKey;
  const internalPorts: number[] = [];

  const configOf = (INTERNAL_PORT: number) => ({
    PORT: 0,
    HOST: '127.0.0.1',
    INTERNAL_PORT,
    PUBLIC_URL: 'http://localhost:8081',
    LOG_LEVEL: 'silent' as const,
    RATE_LIMIT_PER_MINUTE: 0,
    RATE_LIMIT_PER_KEY_PER_MINUTE: 0,
    OVERLOAD_LAG_MS: 200,
    OVERLOAD_TARGET_MS: 300,
    TRUST_PROXY: [],
  });
  const persistence = () =>
    PersistenceModule.for({
      url: database.url,
      poolSize: 4,
      applicationName: 'test',
      platformSecret,
      issuer: 'http://localhost:8081',
    });

  async function startAuth(): Promise<RunningApp> {
    const port = await freePort();
    internalPorts.push(port);
    @Module({
      imports: [
        persistence(),
        QueueModule.forSending({ driver: 'postgres', connectionString: database.url }, OutboxStore),
        IdentityModule.for({ platformSecret, accessKeys: { masterKey: Buffer.alloc(32, 1), others: [] } }),
        AuthModule.for({
          tokenSeconds: 3600,
          publicUrl: 'http://localhost:8081',
          adminKeyFile: join(folder, 'admin-key.json'),
        }),
      ],
    })
    class AuthProcess {}
    return boot({
      name: 'auth',
      module: AuthProcess,
      config: configOf(port),
      log,
      ownsProcess: false,
      internal: (router, app) =>
        answerInternalCalls(
          router,
          {
            verifier: app.get(AccessKeyVerifier),
            dayKeys: app.get(DayKeys),
            webhookSecrets: app.get(WebhookSecrets),
          },
          app.get(InternalCalls),
        ),
    });
  }

  beforeAll(async () => {
    database = await testDatabase();
    folder = mkdtempSync(join(tmpdir(), 'lienthong-auth-'));
    auths.push(...(await Promise.all([startAuth(), startAuth()])));
    @Module({
      imports: [
        persistence(),
        IdentityModule.for({
          platformSecret,
          accessKeys: { authUrls: internalPorts.map((port) => `http://127.0.0.1:${port}`) },
        }),
      ],
      controllers: [Routes],
    })
    class AskingProcess {}
    asking = await boot({ name: 'asking', module: AskingProcess, config: configOf(0), log, ownsProcess: false });
    const { accessKey, secretKey } = JSON.parse(readFileSync(join(folder, 'admin-key.json'), 'utf8')) as IssuedKey;
    administrator = { keyId: accessKey, alg: 'hmac-sha256', secret: secretKey };
    await admin('POST', 'agencies', { code: 'H01.14', name: 'Sở Nội vụ', aliases: ['000.00.14.H01'] });
    await admin('POST', 'systems', { id: 'H01.14/qlvb', name: 'QLVB', receives: ['edxml.document'] });
  }, 120_000);
  afterAll(async () => {
    for (const app of [asking, ...auths]) await app?.close();
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const at = (app: RunningApp) => `http://127.0.0.1:${app.port}`;
  const admin = <T>(method: string, path: string, body?: unknown) =>
    signedFetch<T>(at(auths[0]), `/v1/admin/${path}`, { method, body, key: administrator });
  async function issue(): Promise<SigningKey> {
    const { status, json } = await admin<IssuedKey>('POST', 'systems/000.00.14.H01/qlvb/keys', {
      algorithms: ['hmac-sha256'],
    });
    expect(status).toBe(201);
    return { keyId: json.accessKey, alg: 'hmac-sha256', secret: json.secretKey };
  }
  async function open(key: SigningKey): Promise<SigningKey & { answer: SessionAnswer }> {
    const { status, json } = await signedFetch<SessionAnswer>(at(auths[0]), '/v1/sessions', {
      method: 'POST',
      body: {},
      key,
    });
    expect(status).toBe(201);
    return { keyId: json.sessionId, alg: 'hmac-sha256', secret: json.sessionKey, answer: json };
  }
  const who = (key: SigningKey, app = asking) => signedFetch<{ systemId: string }>(at(app), '/v1/who', { key });

  it('made one administrator although two instances started together', async () => {
    const [{ n }] = await database.dataSource.query<{ n: string }[]>('SELECT count(*) AS n FROM keys');
    expect(n).toBe('1');
  });

  it('takes access keys and sessions where there is no master key', async () => {
    const key = await issue();
    expect(await who(key)).toMatchObject({ status: 200, json: { systemId: 'H01.14/qlvb', sessionId: null } });
    const session = await open(key);
    expect(await who(session)).toMatchObject({
      status: 200,
      json: { systemId: 'H01.14/qlvb', sessionId: session.keyId },
    });
    expect(await who({ ...key, secret: 'wrong' })).toMatchObject({ status: 401, json: { code: 'signature_invalid' } });
    expect(await who({ ...key, keyId: 'AKunknown' })).toMatchObject({ status: 401, json: { code: 'unknown_key' } });
  });

  it('takes RSA with either padding, and only with a key issued for it', async () => {
    const pair = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const body = { algorithms: ['rsa-pss-sha512'], publicKeyPem: pair.publicKey };
    const { json } = await admin<IssuedKey>('POST', 'systems/H01.14/qlvb/keys', body);
    const key = { keyId: json.accessKey, privateKeyPem: pair.privateKey };
    expect((await who({ ...key, alg: 'rsa-pss-sha512' })).status).toBe(200);
    expect(await who({ ...key, alg: 'rsa-v1_5-sha256' })).toMatchObject({
      status: 401,
      json: { code: 'algorithm_not_allowed', allowed: ['rsa-pss-sha512'] },
    });
    expect(await who({ keyId: json.accessKey, alg: 'hmac-sha256', secret: pair.publicKey })).toMatchObject({
      json: { code: 'algorithm_not_allowed' },
    });
  });

  it('takes a nonce once, whichever instance it comes to', async () => {
    const key = await open(await issue());
    const request = { key, nonce: 'nonce-0123456789abcdef', created: Math.floor(Date.now() / 1000) };
    const targets = [asking, asking, auths[0], auths[1], asking, auths[1]].map((app) =>
      app === asking ? `${at(app)} /v1/who` : `${at(app)} /v1/directory`,
    );
    const answers = await Promise.all(
      targets.map((target) => {
        const [base, path] = target.split(' ');
        return signedFetch<{ code?: string }>(base, path, request);
      }),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401, 401, 401]);
    expect(new Set(answers.filter(({ status }) => status === 401).map(({ json }) => json.code))).toEqual(
      new Set(['replayed_request']),
    );
  });

  it('keeps routes closed unless they say that they are open, and administration to administrators', async () => {
    const key = await issue();
    expect(await signedFetch(at(asking), '/v1/who')).toMatchObject({
      status: 401,
      json: { code: 'signature_missing' },
    });
    expect((await signedFetch(at(asking), '/v1/open')).status).toBe(200);
    expect(await signedFetch(at(asking), '/v1/admin', { key })).toMatchObject({
      status: 403,
      json: { code: 'access_denied' },
    });
    expect((await signedFetch(at(asking), '/v1/admin', { key: administrator })).status).toBe(200);
    expect(await signedFetch(at(asking), '/v1/system', { key: administrator })).toMatchObject({ status: 403 });
    for (const path of ['agencies', 'systems', 'grants', 'queues', 'systems/H01.14/qlvb/keys'])
      expect((await signedFetch(at(auths[0]), `/v1/admin/${path}`, { key })).status).toBe(403);
  });

  it('carries a revocation to every instance within 10 s, to its sessions too, and at once to the one that made it', async () => {
    const key = await issue();
    const session = await open(key);
    const everywhere = () => Promise.all([who(key), who(session), signedFetch(at(auths[1]), '/v1/directory', { key })]);
    expect((await everywhere()).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await admin('DELETE', `systems/H01.14/qlvb/keys/${key.keyId}`)).status).toBe(204);
    expect(await signedFetch(at(auths[0]), '/v1/directory', { key })).toMatchObject({
      status: 401,
      json: { code: 'key_revoked' },
    });
    await eventually(async () => (await everywhere()).every(({ status }) => status === 401), {
      within: 10_000,
      every: 500,
    });
  }, 20_000);

  it('shuts a suspended system out, tells it in its stream, and lets it in again', async () => {
    const key = await issue();
    await admin('PATCH', 'systems/H01.14/qlvb', { suspended: true });
    expect((await signedFetch(at(auths[0]), '/v1/directory', { key })).status).toBe(401);
    await admin('PATCH', 'systems/H01.14/qlvb', { suspended: false });
    expect((await signedFetch(at(auths[0]), '/v1/directory', { key })).status).toBe(200);
    const events = await database.dataSource.query<{ type: string }[]>(
      `SELECT type FROM events WHERE system_id = 'H01.14/qlvb'`,
    );
    expect(events).toEqual([{ type: 'system.suspended' }]);
  });

  it('answers a session with where the system stands, and refuses what is not in the protocol', async () => {
    const key = await issue();
    const { answer } = await open(key);
    expect(answer).toMatchObject({
      system: { id: 'H01.14/qlvb', name: 'QLVB', agencyCode: 'H01.14', agencyName: 'Sở Nội vụ' },
      outgoing: { open: 0, received: 0, scheduled: 0, completed: 0, expired: 0, refused: 0, recalled: 0 },
      incoming: { pending: 0, items: [] },
    });
    expect(
      await signedFetch(at(auths[0]), '/v1/sessions', { method: 'POST', body: { scope: 'all' }, key }),
    ).toMatchObject({
      status: 400,
      json: { errors: [{ pointer: '/scope', code: 'unknown_field' }] },
    });
  });

  it('shows the queues to an administrator', async () => {
    const { status, json } = await admin<QueuesAnswer>('GET', 'queues');
    expect(status).toBe(200);
    expect(json.queues.length).toBeGreaterThan(0);
    expect(json.destinations).toEqual([]);
  });

  it('answers on the internal port only to who knows the platform secret', async () => {
    const url = `http://127.0.0.1:${internalPorts[0]}/internal/access-key-checks`;
    const body = JSON.stringify({ accessKey: administrator.keyId, alg: 'hmac-sha256', base: 'x', signature: '' });
    const ask = (token: string) =>
      fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', 'x-lienthong-internal': token },
      });
    expect((await ask(new InternalCalls('another', Date.now).token(body))).status).toBe(403);
    expect(await (await ask(new InternalCalls(platformSecret, Date.now).token(body))).json()).toEqual({ valid: false });
    expect((await fetch(`${at(auths[0])}/internal/access-key-checks`, { method: 'POST' })).status).toBe(404);
  });

  it('asks the other instance of auth when one is gone, says unavailable without any, and still takes sessions', async () => {
    const key = await issue();
    const session = await open(key);
    await auths[0].close();
    for (let n = 0; n < 4; n++) expect((await who(key)).status).toBe(200);
    await auths[1].close();
    expect(await who(key)).toMatchObject({ status: 503, json: { code: 'unavailable' } });
    expect((await who(session)).status).toBe(200);
  }, 30_000);
});
