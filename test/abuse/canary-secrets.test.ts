import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { IssuedKey, SessionAnswer } from '@lienthong/contracts';
import type { SigningKey } from '@lienthong/signing';
import {
  accept,
  deliveryId,
  fetchAll,
  inlinePart,
  inlineRequest,
  openSpace,
  packetIn,
  purged,
  put,
} from '../support/exchange';
import { FourApps } from '../support/four-apps';
import type { Party, Platform } from '../support/platform';
import { cannotReadMemory, findInMemory } from '../support/process-memory';
import { RawStream } from '../support/raw-stream';
import { verified, WebhookReceiver } from '../support/webhook-receiver';
import { itWhen } from '../support/when';

jest.setTimeout(180_000);

type Needles = Record<string, Buffer>;

/** A secret as it can lie somewhere: as text, in the two-byte form of a JavaScript string, as bytes, as hex, as base64. */
function formsOf(name: string, secret: string): Needles {
  const text = Buffer.from(secret);
  return {
    [name]: text,
    [`${name}, two bytes a character`]: Buffer.from(secret, 'utf16le'),
    [`${name}, hex`]: Buffer.from(text.toString('hex')),
    [`${name}, base64`]: Buffer.from(text.toString('base64').replace(/=+$/, '')),
  };
}

const signatureIn = (address: string): string => new URL(address).searchParams.get('signature') ?? address;

/** Every file under a folder that holds one of them, by name. */
function findInFiles(folder: string, needles: Needles): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile())
    .flatMap((file) => {
      const bytes = readFileSync(file);
      return Object.entries(needles)
        .filter(([, needle]) => bytes.includes(needle))
        .map(([name]) => name);
    });
}

const findInText = (text: string, needles: Needles): string[] => {
  const bytes = Buffer.from(text);
  return Object.entries(needles)
    .filter(([, needle]) => bytes.includes(needle))
    .map(([name]) => name);
};

/** P16, A16, A17: what is secret is looked for where a thief would look, after traffic that touches all of it. */
describe('Secrets', () => {
  const apps = new FourApps();
  const errors: string[] = [];
  const addresses: string[] = [];
  let platform: Platform;
  let source: Party;
  let destination: Party;
  let session: SessionAnswer;
  let packetId: string;
  let payload: string;
  /** Said by a client where no secret belongs. */
  const echoed = `canary-${randomBytes(24).toString('hex')}`;
  let bearer: string;
  let longTerm: Needles;
  let receiver: WebhookReceiver;
  let webhookSecret: string;

  beforeAll(async () => {
    await apps.start();
    platform = apps.platform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
    longTerm = {
      ...formsOf('secret of the source', source.key.secret!),
      ...formsOf('secret of the destination', destination.key.secret!),
    };
    await traffic();
  });
  afterAll(async () => {
    await platform?.stop();
    await receiver?.stop();
  });

  /** Signed with the long-term secret and by sessions, through each app, with errors of every kind. */
  async function traffic(): Promise<void> {
    payload = `canary-${randomBytes(24).toString('hex')}`;
    receiver = await WebhookReceiver.start();
    ({ secret: webhookSecret } = await destination.client.webhook.set({ url: receiver.url }));
    session = await source.client.sessions.open();
    const part = inlinePart({ name: 'phieu.txt', bytes: Buffer.from(payload) });
    const direct = await platform.fetch<{ packetId: string }>('/v1/packets', {
      method: 'POST',
      body: inlineRequest(destination, { parts: [part] }),
      key: source.key,
    });
    expect(direct.status).toBe(201);
    packetId = direct.json.packetId;
    const space = await openSpace(source, destination, { name: 'a.txt', bytes: Buffer.from(payload) });
    addresses.push(...space.uploads.map(({ url }) => url));
    expect((await put(space.uploads[0], Buffer.from(payload))).status).toBe(200);
    expect(
      (await put({ ...space.uploads[0], url: `${space.uploads[0].url}x` }, Buffer.from(payload))).status,
    ).toBeGreaterThanOrEqual(400);
    await source.client.packets.complete(space.packetId);
    await packetIn(source, space.packetId, 'scheduled');
    await packetIn(source, packetId, 'scheduled');
    for (const signer of [
      destination,
      { key: { keyId: session.sessionId, alg: 'hmac-sha256' as const, secret: session.sessionKey } },
    ]) {
      const stream = await RawStream.of(apps.baseUrl, signer);
      expect(stream.hello.type).toBe('hello');
      stream.close();
    }
    await fail(source.key);
    await fail({ keyId: session.sessionId, alg: 'hmac-sha256', secret: session.sessionKey });
    for (const id of [packetId, space.packetId]) {
      const delivery = await deliveryId(source, id, destination);
      addresses.push(...(await fetchAll(destination, delivery)).map(({ url }) => url));
      await accept(destination, delivery);
      await purged(source, id);
    }
    await receiver.answered(packetId);
    expect(verified(receiver.events[0], webhookSecret)).toEqual(receiver.events[0].event);
    bearer = await bearerToken();
  }

  async function bearerToken(): Promise<string> {
    const issued: IssuedKey = await platform.admin.admin.keys.issue(source.systemId, {
      algorithms: ['hmac-sha256'],
      bearer: true,
    });
    const basic = (secret: string) => `Basic ${Buffer.from(`${issued.accessKey}:${secret}`).toString('base64')}`;
    const ask = (authorization: string) =>
      fetch(`${apps.baseUrl}/oauth2/token`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'grant_type=client_credentials&scope=file',
      });
    errors.push(await (await ask(basic(`${issued.secretKey}x`))).text());
    longTerm = { ...longTerm, ...formsOf('secret of a bearer key', issued.secretKey!) };
    const { access_token } = (await (await ask(basic(issued.secretKey!))).json()) as { access_token: string };
    const asked = await fetch(`${apps.baseUrl}/v1/packets/${packetId}`, {
      headers: { authorization: `Bearer ${access_token}` },
    });
    errors.push(await asked.text());
    return access_token;
  }

  async function fail(key: SigningKey): Promise<void> {
    const requests = [
      { method: 'POST', target: '/v1/packets', body: { secret: echoed, title: [echoed] } },
      { method: 'POST', target: '/v1/packets', body: `{"title": "${echoed}` },
      { method: 'GET', target: '/v1/packets/x', headers: { authorization: `Bearer ${echoed}`, 'x-api-key': echoed } },
      { method: 'POST', target: `/v1/packets/${packetId}/recall`, body: { reason: 5 } },
      { method: 'GET', target: `/v1/packets/${randomBytes(16).toString('hex')}` },
      { method: 'GET', target: '/v1/admin/agencies' },
      { method: 'POST', target: '/v1/signature-checks', body: { request: 'GET / HTTP/1.1' } },
      { method: 'GET', target: '/v1/stream' },
    ];
    for (const { target, ...request } of requests)
      errors.push((await platform.fetch(target, { ...request, key })).text);
    errors.push((await platform.fetch('/v1/packets', { key: { ...key, secret: 'wrong' } })).text);
    const nonce = randomBytes(18).toString('base64url');
    await platform.fetch('/v1/deliveries', { key, nonce });
    errors.push((await platform.fetch('/v1/deliveries', { key, nonce })).text);
  }

  const secrets = (): Needles => ({
    ...longTerm,
    ...formsOf('secret of a webhook', webhookSecret.replace('whsec_', '')),
    ...formsOf('session key', session.sessionKey),
    ...formsOf('master key', apps.secrets.masterKey),
    ...formsOf('platform secret', apps.secrets.platformSecret),
    ...formsOf('bearer token', bearer.split('.')[2]),
    ...formsOf('payload', payload),
    ...formsOf('what a client said in the wrong place', echoed),
    ...Object.fromEntries(
      addresses.map((url, index) => [`signature of address ${index}`, Buffer.from(signatureIn(url))]),
    ),
  });
  const master = () => ({
    ...formsOf('master key', apps.secrets.masterKey),
    'master key, bytes': Buffer.from(apps.secrets.masterKey, 'hex'),
  });

  it('A16: none is in any table, nor in any file of the database; what is no secret is found there', async () => {
    const tables = await platform.sql<{ name: string }>(
      `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    expect(tables.length).toBeGreaterThan(20);
    for (const { name } of tables) {
      const rows = await platform.sql<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
      expect({ name, found: findInText(rows.map(({ row }) => row).join('\n'), secrets()) }).toEqual({
        name,
        found: [],
      });
    }
    await platform.sql('CHECKPOINT').catch(() => undefined);
    const raw = { ...secrets(), control: Buffer.from(source.issued.accessKey) };
    expect(new Set(findInFiles(join(apps.folder, 'postgres'), raw))).toEqual(new Set(['control']));
  });

  it('A25: none is in the logs, of what went well nor of what failed; keys and packets are', () => {
    const control = { accessKey: Buffer.from(source.issued.accessKey), packet: Buffer.from(packetId) };
    expect(findInText(apps.logs(), { ...secrets(), ...control }).toSorted()).toEqual(['accessKey', 'packet']);
  });

  it('A48: none is in the body of an error', () => {
    const { [`session key`]: _, ...others } = secrets();
    expect(errors.length).toBeGreaterThan(18);
    expect(findInText(errors.join('\n'), others)).toEqual([]);
    expect(findInText(errors.join('\n'), { code: Buffer.from('"code":') })).toEqual(['code']);
  });

  it('S7: nothing of a packet’s content is left on disk after the purge', () => {
    expect(findInFiles(join(apps.folder, 'content'), { payload: Buffer.from(payload) })).toEqual([]);
  });

  const unreadable = cannotReadMemory();
  itWhen(!unreadable, unreadable)(
    'A17: the memory of connector, scheduler and notifier has no long-term secret and no master key, that of auth has',
    async () => {
      const control = { ...formsOf('platform secret', apps.secrets.platformSecret) };
      const needles = { ...longTerm, ...master(), ...control };
      for (const app of ['connector', 'scheduler', 'notifier'] as const) {
        const found = findInMemory(apps.processes[app].pid, needles);
        // Given to all four: that it is found shows that the search finds.
        expect({ app, found: found.filter((name) => !name.startsWith('platform secret')) }).toEqual({ app, found: [] });
        expect(found).toContain('platform secret');
      }
      expect(findInMemory(apps.processes.auth.pid, needles)).toContain('master key');
    },
  );

  it('A16: a sealed secret in the row of another key opens nothing, for either key', async () => {
    const [one, other] = [await platform.makeParty(), await platform.makeParty()];
    const keys = [one.issued.accessKey, other.issued.accessKey];
    await platform.sql(
      `UPDATE keys SET sealed_secret = swapped.sealed_secret FROM keys swapped
       WHERE (keys.access_key, swapped.access_key) IN (($1, $2), ($2, $1))`,
      keys,
    );
    for (const [party, secret] of [
      [one, one.key.secret],
      [one, other.key.secret],
      [other, one.key.secret],
      [other, other.key.secret],
    ] as const) {
      const answer = await platform.fetch('/v1/sessions', { method: 'POST', body: {}, key: { ...party.key, secret } });
      expect(answer).toMatchObject({ status: 401, json: { code: 'signature_invalid' } });
    }
  });
});
