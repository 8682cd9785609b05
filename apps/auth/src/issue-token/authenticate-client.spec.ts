import { type ErrorCode, LienThongError } from '@lienthong/contracts';
import type { KeyRing } from '@lienthong/identity';
import { signAssertion } from '@lienthong/signing';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { AuthenticateClient, clientNamed } from './authenticate-client';

type RingKey = NonNullable<Awaited<ReturnType<KeyRing['key']>>>;
const ISSUER = 'https://lienthong.example';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key = privateKey) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const KEY: RingKey = {
  accessKey: 'AK1',
  systemId: 'H01.14/qlvb',
  algorithms: ['hmac-sha256'],
  sealedSecret: Buffer.from('secret: é+'),
  publicKeyPem: null,
  publicKey: null,
  bearer: true,
  expiresAt: null,
  revokedAt: null,
  legacyUntil: null,
  suspendedAt: null,
  dissolvedAt: null,
};
const RSA: RingKey = {
  ...KEY,
  accessKey: 'AK2',
  algorithms: ['rsa-pss-sha512'],
  sealedSecret: null,
  publicKey: createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
};

function step(ended?: ErrorCode) {
  const opened: string[] = [];
  const used = new Set<string>();
  const clients = new AuthenticateClient(
    { key: async (accessKey) => [KEY, RSA].find((key) => key.accessKey === accessKey) },
    {
      openNothing: () => {
        opened.push('nobody');
        return 'a secret that nobody has';
      },
      openIfWhole: (holder, sealed) => {
        opened.push(holder.accessKey);
        return sealed.toString();
      },
    },
    {
      assertStillValid: async () => {
        if (ended) throw new LienThongError(ended);
      },
    },
    { use: async (key, nonce) => used.size < used.add(`${key} ${nonce}`).size },
    { publicUrl: ISSUER },
    Date,
  );
  return { clients, opened };
}

const basic = (name: string, secret: string) => `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;
const encoded = basic('AK1', encodeURIComponent('secret: é+'));
const none = new URLSearchParams();
const form = (client_assertion: string, more: Record<string, string> = {}) =>
  new URLSearchParams({
    client_assertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    ...more,
  });
const assertion = (of: Partial<Parameters<typeof signAssertion>[0]> = {}) =>
  signAssertion({ clientId: 'AK2', audience: ISSUER, alg: 'PS512', privateKeyPem: pem(), ...of });
const NOT_KNOWN = {
  code: 'invalid_client',
  status: 401,
  message: 'The client is not known, or did not prove to be it.',
};

describe('who asks for a token', () => {
  it('is known by access key and secret, form-encoded as RFC 6749 2.3.1 says', async () => {
    const client = { accessKey: 'AK1', systemId: 'H01.14/qlvb', bearer: true, dissolved: false, expiresAt: null };
    expect(await step().clients.authenticate(none, encoded)).toEqual(client);
  });

  it('is looked for in the same way whether the key exists or not', async () => {
    for (const [name, opened] of [
      ['AK1', 'AK1'],
      ['AKnone', 'nobody'],
      ['AK2', 'nobody'],
    ]) {
      const one = step();
      await expect(one.clients.authenticate(none, basic(name, 'wrong'))).rejects.toMatchObject(NOT_KNOWN);
      expect([name, one.opened]).toEqual([name, [opened]]);
    }
  });

  it.each(['Basic', 'Basic !', `Basic ${Buffer.from('AK1').toString('base64')}`, basic('AK1', '%zz'), 'Bearer x'])(
    'is nobody with %j',
    async (authorization) => {
      await expect(step().clients.authenticate(none, authorization)).rejects.toMatchObject(NOT_KNOWN);
    },
  );

  it('is known by what its RSA key signed for this platform, once', async () => {
    const { clients } = step();
    const proof = form(await assertion());
    expect(await clients.authenticate(proof)).toMatchObject({ accessKey: 'AK2' });
    await expect(clients.authenticate(proof)).rejects.toMatchObject(NOT_KNOWN);
    const endpoint = form(await assertion({ audience: `${ISSUER}/oauth2/token` }), { client_id: 'AK2' });
    expect(await clients.authenticate(endpoint)).toMatchObject({ accessKey: 'AK2' });
  });

  it('is nobody with an assertion for another platform, by another key, algorithm, client or type', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const forms = [
      form(await assertion({ audience: 'https://elsewhere.example' })),
      form(await assertion({ privateKeyPem: pem(other) })),
      form(await assertion({ alg: 'RS256' })),
      form(await assertion({ clientId: 'AK1' })),
      form(await assertion(), { client_id: 'AK1' }),
      form(await assertion(), { client_assertion_type: 'urn:other' }),
      form('a.b.c'),
      form(''),
    ];
    for (const bad of forms) await expect(step().clients.authenticate(bad)).rejects.toMatchObject(NOT_KNOWN);
  });

  it('shows itself in one way, not in two or none', async () => {
    const two = form(await assertion());
    for (const [asked, authorization] of [[none, undefined] as const, [two, encoded] as const])
      await expect(step().clients.authenticate(asked, authorization)).rejects.toMatchObject({ code: 'invalid_client' });
  });

  it('is not told that its key was revoked or has expired, and an outage is no refusal', async () => {
    for (const ended of ['key_revoked', 'key_expired'] as const)
      await expect(step(ended).clients.authenticate(none, encoded)).rejects.toMatchObject(NOT_KNOWN);
    await expect(step('unavailable').clients.authenticate(none, encoded)).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('names a key before it proves anything, for the count of failures', async () => {
    expect(clientNamed(none, basic('AK7', 'x'))).toBe('AK7');
    expect(clientNamed(form(await assertion()))).toBe('AK2');
    for (const [asked, authorization] of [
      [none, undefined],
      [none, 'Basic !'],
      [form('x'), undefined],
    ] as const)
      expect(clientNamed(asked, authorization)).toBe('');
  });
});
