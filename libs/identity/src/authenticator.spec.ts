import type { SignatureAlgorithm } from '@lienthong/contracts';
import { NonceStore, type SessionRecord } from '@lienthong/persistence';
import { type SigningKey, type SigningOptions, signRequest } from '@lienthong/signing';
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { Authenticator } from './authenticator';
import { evidenceOf } from './evidence';
import { KeyRing, type RingKey } from './keys/key-ring';
import { LocalAccessKeyVerifier } from './access-keys/local-access-key-verifier';
import { SecretBox } from './access-keys/secret-box';
import { SessionKeys } from './keys/session-keys';

const NOW = Date.parse('2026-11-20T08:00:00Z');
const SESSION = '0197f0aa-0000-7000-8000-000000000001';
const SECRET = 'c2VjcmV0LWtleS1mb3Itc3BlY3Mtb25seS0zMmJ5dGU';
const rsa = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

const box = new SecretBox(Buffer.alloc(32, 7));
const DAY_KEY = Buffer.alloc(32, 9);
const sessionKeys = new SessionKeys({ of: async () => DAY_KEY });

function keyOf(changes: Partial<RingKey> = {}): RingKey {
  const key = { accessKey: 'AK1', systemId: 'H01.14/qlvb', ...changes };
  return {
    algorithms: ['hmac-sha256'],
    sealedSecret: box.seal(key, SECRET),
    publicKeyPem: null,
    publicKey: null,
    bearer: false,
    legacyUntil: null,
    expiresAt: null,
    revokedAt: null,
    suspendedAt: null,
    dissolvedAt: null,
    ...key,
  };
}

const sessionOf = (changes: Partial<SessionRecord> = {}): SessionRecord => ({
  sessionId: SESSION,
  accessKey: 'AK1',
  systemId: 'H01.14/qlvb',
  expiresAt: new Date(NOW + 60_000),
  endedAt: null,
  keyRevokedAt: null,
  keyExpiresAt: null,
  suspendedAt: null,
  ...changes,
});

function platform({ key = keyOf(), session = sessionOf() }: { key?: RingKey; session?: SessionRecord } = {}) {
  const rows = new Set<string>();
  const touched: string[] = [];
  const nonces = new NonceStore({
    query: async <T>(_sql: string, [keys, values]: unknown[] = []) => {
      const uses = (keys as string[]).map((keyId, index) => ({ keyId, nonce: (values as string[])[index] }));
      const fresh = uses.filter((use) => !rows.has(JSON.stringify(use)));
      for (const use of fresh) rows.add(JSON.stringify(use));
      return fresh as T[];
    },
  });
  const ring = {
    key: async (accessKey: string) => (accessKey === key.accessKey ? key : undefined),
    session: async (sessionId: string) => (sessionId === session.sessionId ? session : undefined),
    knows: () => false,
    lookAgain: async () => undefined,
  };
  const verifier = new LocalAccessKeyVerifier(ring, box);
  const uses = { note: (accessKey: string) => void touched.push(accessKey) };
  return { rows, touched, ring, auth: new Authenticator(ring, sessionKeys, verifier, nonces, uses, () => NOW) };
}

const HMAC: SigningKey = { keyId: 'AK1', alg: 'hmac-sha256', secret: SECRET };
const OF_SESSION: SigningKey = {
  keyId: SESSION,
  alg: 'hmac-sha256',
  secret: createHmac('sha256', DAY_KEY).update(SESSION).digest('base64url'),
};

function signed(key: SigningKey = HMAC, options: SigningOptions & { body?: string; target?: string } = {}) {
  const { body, target = '/v1/packets?limit=5', ...rest } = options;
  const request = { method: 'POST', target, body };
  const headers = signRequest(request, key, { created: NOW / 1000, ...rest });
  return { method: 'POST', target, rawHeaders: Object.entries(headers).flat(), body: body ? Buffer.from(body) : null };
}

/** The same, behind the ring of a process that has just seen both: which queries does a refusal cost? */
function withCaches() {
  const asked: string[] = [];
  const { publicKey: _, ...row } = keyOf();
  const rsaRow = {
    ...row,
    accessKey: 'AK2',
    algorithms: ['rsa-pss-sha512' as const],
    sealedSecret: null,
    publicKeyPem: rsa.publicKey,
  };
  const keys = [{ ...row, publicKeyPem: null }, rsaRow];
  const ring = new KeyRing(
    { find: async (id) => (asked.push('key'), keys.find(({ accessKey }) => accessKey === id)) },
    { find: async (id) => (asked.push('session'), id === SESSION ? sessionOf() : undefined) },
  );
  const verifier = new LocalAccessKeyVerifier(ring, box);
  const nonces = { use: async () => true };
  return { asked, auth: new Authenticator(ring, sessionKeys, verifier, nonces, { note: () => undefined }, () => NOW) };
}

const refusal = (code: string, more: object = {}) => expect.objectContaining({ code, ...more });

describe('Authenticator', () => {
  it('tells the system, the key and the evidence of a request signed with an access key', async () => {
    const { auth, touched, rows } = platform();
    const request = signed(HMAC, { body: '{}' });
    const caller = await auth.authenticate(request);
    expect(caller).toMatchObject({
      systemId: 'H01.14/qlvb',
      accessKey: 'AK1',
      keyId: 'AK1',
      alg: 'hmac-sha256',
      administrator: false,
    });
    expect(caller.sessionId).toBeUndefined();
    const [, digest, , input, , signature] = request.rawHeaders;
    expect(caller.request).toEqual({
      method: 'POST',
      path: '/v1/packets?limit=5',
      signatureInput: input,
      signature,
      contentDigest: digest,
      alg: 'hmac-sha256',
      keyId: 'AK1',
    });
    expect(touched).toEqual(['AK1']);
    expect(rows.size).toBe(1);
  });

  it('knows an administrator by a key that belongs to no system', async () => {
    const { auth } = platform({ key: keyOf({ systemId: null }) });
    expect(await auth.authenticate(signed())).toMatchObject({ systemId: null, administrator: true });
  });

  it('takes a session, whose requests carry its id, by the key computed from the key of the day', async () => {
    const caller = await platform().auth.authenticate(signed(OF_SESSION));
    expect(caller).toMatchObject({ keyId: SESSION, sessionId: SESSION, accessKey: 'AK1', systemId: 'H01.14/qlvb' });
  });

  it.each(['rsa-pss-sha512', 'rsa-v1_5-sha256'] as const)('takes a key pair with %s', async (alg) => {
    const key = keyOf({ algorithms: [alg], sealedSecret: null, publicKey: createPublicKey(rsa.publicKey) });
    const caller = await platform({ key }).auth.authenticate(
      signed({ keyId: 'AK1', alg, privateKeyPem: rsa.privateKey }),
    );
    expect(caller.alg).toBe(alg);
  });

  it('keeps of what a key pair signed all that a third party needs to verify it again', async () => {
    const publicKey = createPublicKey(rsa.publicKey);
    const key = keyOf({ algorithms: ['rsa-pss-sha512'], sealedSecret: null, publicKey });
    const request = signed({ keyId: 'AK1', alg: 'rsa-pss-sha512', privateKeyPem: rsa.privateKey }, { body: '{"a":1}' });
    const caller = await platform({ key }).auth.authenticate(request);
    const { kty, n, e } = publicKey.export({ format: 'jwk' });
    expect(caller.request.publicKey).toEqual({ kty, n, e });
    expect(evidenceOf(caller)).toMatchObject({ proof: { by: 'privateKey' }, request: { body: 'eyJhIjoxfQ==' } });
    const among = evidenceOf(caller, { alone: false });
    expect(among.proof.by).toBe('privateKeyDigest');
    expect(among.request.body).toBeUndefined();
    const shared = await platform().auth.authenticate(signed(HMAC, { body: '{"a":1}' }));
    expect(evidenceOf(shared)).toMatchObject({ proof: { by: 'sharedSecret' } });
    expect(shared.body).toBeUndefined();
    expect(evidenceOf({ request: { ...shared.request, alg: 'bearer' } }).proof.by).toBe('nothing');
  });

  it('takes HMAC-SHA-1 only with a key that an administrator allowed it for', async () => {
    const weak: SigningKey = { ...HMAC, alg: 'hmac-sha1' };
    await expect(platform().auth.authenticate(signed(weak))).rejects.toEqual(
      refusal('algorithm_not_allowed', { members: { allowed: ['hmac-sha256'] } }),
    );
    const algorithms: SignatureAlgorithm[] = ['hmac-sha256', 'hmac-sha1'];
    const legacyUntil = new Date(NOW + 1000);
    const caller = await platform({ key: keyOf({ algorithms, legacyUntil }) }).auth.authenticate(signed(weak));
    expect(caller).toMatchObject({ alg: 'hmac-sha1', legacyUntil });
    // Without a date, and after it.
    for (const ended of [null, new Date(NOW)])
      await expect(
        platform({ key: keyOf({ algorithms, legacyUntil: ended }) }).auth.authenticate(signed(weak)),
      ).rejects.toEqual(refusal('algorithm_not_allowed', { members: { allowed: ['hmac-sha256'] } }));
  });

  it('never takes the public key as an HMAC secret', async () => {
    const key = keyOf({
      algorithms: ['rsa-pss-sha512'],
      sealedSecret: null,
      publicKey: createPublicKey(rsa.publicKey),
    });
    const confused: SigningKey = { keyId: 'AK1', alg: 'hmac-sha256', secret: rsa.publicKey };
    await expect(platform({ key }).auth.authenticate(signed(confused))).rejects.toEqual(
      refusal('algorithm_not_allowed'),
    );
  });

  it('takes a session with hmac-sha256 only', async () => {
    const weak: SigningKey = { ...OF_SESSION, alg: 'hmac-sha1' };
    await expect(platform().auth.authenticate(signed(weak))).rejects.toEqual(refusal('algorithm_not_allowed'));
  });

  it('refuses a nonce that was used, and a repetition of the whole request', async () => {
    const { auth } = platform();
    const request = signed(HMAC, { nonce: 'n-0123456789abcdef' });
    await auth.authenticate(request);
    await expect(auth.authenticate(request)).rejects.toEqual(refusal('replayed_request'));
    const other = signed(HMAC, { nonce: 'n-0123456789abcdef', target: '/v1/other' });
    await expect(auth.authenticate(other)).rejects.toEqual(refusal('replayed_request'));
  });

  it.each([
    ['an HMAC key', HMAC, { ...HMAC, keyId: 'AK9' }],
    [
      'an RSA key',
      { keyId: 'AK2', alg: 'rsa-pss-sha512', privateKeyPem: rsa.privateKey },
      { keyId: 'AK9', alg: 'rsa-pss-sha512', privateKeyPem: rsa.privateKey },
    ],
    ['a session', OF_SESSION, { ...OF_SESSION, keyId: '0197a1b2-7c33-7d00-8000-0123456789ff' }],
  ] as [string, SigningKey, SigningKey][])(
    'A12: asks the database as often for a wrong signature of %s, however well known, as for one that is unknown',
    async (_what, known, unknown) => {
      const { asked, auth } = withCaches();
      await auth.authenticate(signed(known));
      const queriesOf = async (request: ReturnType<typeof signed>, code: string) => {
        asked.length = 0;
        await expect(auth.authenticate(request)).rejects.toEqual(refusal(code));
        return [...asked];
      };
      const other = signed(known, { target: '/v1/other' });
      const wrong = {
        ...signed(known),
        rawHeaders: signed(known).rawHeaders.map((text, index, all) =>
          /^signature$/i.test(all[index - 1] ?? '')
            ? other.rawHeaders[other.rawHeaders.findIndex((name) => /^signature$/i.test(name)) + 1]
            : text,
        ),
      };
      const ofUnknown = await queriesOf(signed(unknown), 'unknown_key');
      expect(ofUnknown.length).toBeGreaterThan(0);
      expect(await queriesOf(wrong, 'signature_invalid')).toEqual(ofUnknown);
      expect(await queriesOf(wrong, 'signature_invalid')).toEqual(ofUnknown);
    },
  );

  it('lets exactly one of many equal requests at the same moment through', async () => {
    const { auth } = platform();
    const request = signed();
    const results = await Promise.allSettled(Array.from({ length: 30 }, () => auth.authenticate(request)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it.each([
    ['a wrong secret', signed({ ...HMAC, secret: 'other' }), 'signature_invalid'],
    ['an unknown access key', signed({ ...HMAC, keyId: 'AK2' }), 'unknown_key'],
    ['an unknown session', signed({ ...OF_SESSION, keyId: SESSION.replace('1', '2') }), 'unknown_key'],
    ['a session with a wrong key', signed({ ...OF_SESSION, secret: 'other' }), 'signature_invalid'],
    ['another path', { ...signed(), target: '/v1/packets?limit=6' }, 'signature_invalid'],
    ['another body', { ...signed(HMAC, { body: '{}' }), body: Buffer.from('{ }') }, 'digest_mismatch'],
    ['a body that is not covered', { ...signed(), body: Buffer.from('{}') }, 'signature_incomplete'],
    ['no signature', { ...signed(), rawHeaders: [] }, 'signature_missing'],
  ])('refuses %s, and records no nonce of it', async (_what, request, code) => {
    const { auth, rows, touched } = platform();
    await expect(auth.authenticate(request)).rejects.toEqual(refusal(code));
    expect(rows.size + touched.length).toBe(0);
  });

  it('refuses a clock that is more than 300 s off and tells its own time', async () => {
    const { auth } = platform();
    for (const seconds of [-301, 301]) {
      const request = signed(HMAC, { created: NOW / 1000 + seconds });
      const members = { serverTime: '2026-11-20T08:00:00.000Z' };
      await expect(auth.authenticate(request)).rejects.toEqual(refusal('clock_skew', { members }));
    }
    await expect(auth.authenticate(signed(HMAC, { created: NOW / 1000 + 300 }))).resolves.toBeDefined();
  });

  it.each([
    ['a revoked key', { key: keyOf({ revokedAt: new Date(NOW) }) }, HMAC, 'key_revoked'],
    ['a key of a suspended system', { key: keyOf({ suspendedAt: new Date(NOW) }) }, HMAC, 'key_revoked'],
    ['an expired key', { key: keyOf({ expiresAt: new Date(NOW) }) }, HMAC, 'key_expired'],
    ['an expired session', { session: sessionOf({ expiresAt: new Date(NOW) }) }, OF_SESSION, 'session_expired'],
    ['a closed session', { session: sessionOf({ endedAt: new Date(NOW) }) }, OF_SESSION, 'session_expired'],
    ['a session of a revoked key', { session: sessionOf({ keyRevokedAt: new Date(NOW) }) }, OF_SESSION, 'key_revoked'],
    ['a session of an expired key', { session: sessionOf({ keyExpiresAt: new Date(NOW) }) }, OF_SESSION, 'key_expired'],
  ])('tells %s only to who proved to have it', async (_what, state, key, code) => {
    const { auth, rows } = platform(state);
    await expect(auth.authenticate(signed(key))).rejects.toEqual(refusal(code));
    await expect(auth.authenticate(signed({ ...key, secret: 'other' }))).rejects.toEqual(refusal('signature_invalid'));
    expect(rows.size).toBe(0);
  });

  it('tells of a stream whether its session or key still holds', async () => {
    const holder = { accessKey: 'AK1', systemId: 'H01.14/qlvb' };
    await expect(platform().auth.assertStillValid(holder)).resolves.toBeUndefined();
    await expect(platform().auth.assertStillValid({ ...holder, sessionId: SESSION })).resolves.toBeUndefined();
    const revoked = platform({ key: keyOf({ revokedAt: new Date(NOW) }) });
    await expect(revoked.auth.assertStillValid(holder)).rejects.toEqual(refusal('key_revoked'));
    const ended = platform({ session: sessionOf({ endedAt: new Date(NOW) }) });
    await expect(ended.auth.assertStillValid({ ...holder, sessionId: SESSION })).rejects.toEqual(
      refusal('session_expired'),
    );
  });
});
