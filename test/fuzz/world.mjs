import { createHmac, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Authenticator } = require('../../libs/identity/dist/authenticator.js');
const { LocalAccessKeyVerifier } = require('../../libs/identity/dist/access-keys/local-access-key-verifier.js');
const { SecretBox } = require('../../libs/identity/dist/access-keys/secret-box.js');
const { KeyRing } = require('../../libs/identity/dist/keys/key-ring.js');
const { SessionKeys } = require('../../libs/identity/dist/keys/session-keys.js');
export const { parseSignature, signRequest } = require('@lienthong/signing');

/** Public keys pairs for tests: nothing here is a secret. */
const vectors = JSON.parse(readFileSync(new URL('../../docs/test-vectors/signatures.json', import.meta.url), 'utf8'));
const { 'TEST-HMAC': HMAC, 'TEST-SHA1': SHA1, 'TEST-PSS': PSS, 'TEST-V15': V15 } = vectors.keys;

export const NOW = Date.parse('2026-11-20T08:00:00Z');
const SESSION = '019aa0b0-0000-7000-8000-000000000001';
const DAY_KEY = Buffer.alloc(32, 9);
const sessionSecret = (id) => createHmac('sha256', DAY_KEY).update(id).digest('base64url');

/** Who signs the originals: every algorithm, and a session. */
export const SIGNERS = [
  { keyId: 'AKHMAC', alg: 'hmac-sha256', secret: HMAC.secret },
  { keyId: 'AKSHA1', alg: 'hmac-sha1', secret: SHA1.secret },
  { keyId: 'AKPSS', alg: 'rsa-pss-sha512', privateKeyPem: PSS.privateKeyPem, publicKeyPem: PSS.publicKeyPem },
  { keyId: 'AKV15', alg: 'rsa-v1_5-sha256', privateKeyPem: V15.privateKeyPem, publicKeyPem: V15.publicKeyPem },
  { keyId: SESSION, alg: 'hmac-sha256', secret: sessionSecret(SESSION) },
];
export const ALGORITHMS = ['hmac-sha256', 'rsa-pss-sha512', 'rsa-v1_5-sha256', 'hmac-sha1'];
/** Key ids that mutants may name, beside those of the signers: ended, of others, unknown. */
export const OTHER_KEY_IDS = [
  'AKREVOKED',
  'AKENDED',
  'AKOTHER',
  'AKNOBODY',
  SESSION.replace(/1$/, '2'),
  'akhmac',
  '',
  ' AKHMAC',
];

/**
 * The real authenticator; in memory are only the edges of it: the rows of keys and sessions, and the nonces, each of which is new once.
 * @param asServed with the ring of keys that a process has, which looks a key up again after a wrong signature: for who measures; the fuzzing need not wait for it
 * @returns the authenticator, the nonces on record, and how the two kinds of refusal of an ended key can be reached
 */
export function newAuthenticator({ asServed = false } = {}) {
  const box = new SecretBox(Buffer.alloc(32, 7));
  const key = (accessKey, alg, { secret, publicKeyPem }, more = {}) => {
    const owner = { accessKey, systemId: 'H01.14/qlvb' };
    return {
      ...owner,
      algorithms: [alg],
      sealedSecret: secret === undefined ? null : box.seal(owner, secret),
      publicKeyPem: publicKeyPem ?? null,
      publicKey: publicKeyPem ? createPublicKey(publicKeyPem) : null,
      bearer: false,
      expiresAt: null,
      revokedAt: null,
      suspendedAt: null,
      legacyUntil: alg === 'hmac-sha1' ? new Date(NOW + 86_400_000) : null,
      ...more,
    };
  };
  const keys = new Map(
    [
      ...SIGNERS.slice(0, 4).map((signer) => key(signer.keyId, signer.alg, signer)),
      key('AKOTHER', 'hmac-sha256', { secret: 'another-secret-of-another-key-0123456789ab' }),
      key('AKREVOKED', 'hmac-sha256', HMAC, { revokedAt: new Date(NOW) }),
      key('AKENDED', 'hmac-sha256', HMAC, { expiresAt: new Date(NOW) }),
    ].map((record) => [record.accessKey, record]),
  );
  const session = {
    sessionId: SESSION,
    accessKey: 'AKHMAC',
    systemId: 'H01.14/qlvb',
    expiresAt: new Date(NOW + 3_600_000),
    endedAt: null,
    keyRevokedAt: null,
    keyExpiresAt: null,
    suspendedAt: null,
  };
  const keyRows = { find: async (accessKey) => keys.get(accessKey) };
  const sessionRows = { find: async (sessionId) => (sessionId === SESSION ? session : undefined) };
  const ring = asServed
    ? new KeyRing(keyRows, sessionRows)
    : { key: keyRows.find, session: sessionRows.find, knows: () => false, lookAgain: async () => undefined };
  const recorded = { count: 0 };
  const nonces = {
    use: async () => {
      recorded.count++;
      return true;
    },
  };
  const authenticator = new Authenticator(
    ring,
    new SessionKeys({ of: async () => DAY_KEY }),
    new LocalAccessKeyVerifier(ring, box),
    nonces,
    { note: () => undefined },
    () => NOW,
  );
  return { authenticator, recorded };
}

const TARGETS = [
  '/v1/packets',
  '/v1/packets?state=open&limit=5',
  '/v1/deliveries/019aa0b0-0000-7000-8000-000000000009/ready',
  '/v1/directory/H01.14/qlvb?',
  '/v1/events?after=12&waitSeconds=0&q=S%E1%BB%9F',
];

/**
 * A request that is right, by one of the signers; some cover more than they must.
 * @param choice what is asked: the fuzzing over HTTP asks for what is there
 */
export function original(
  random,
  signer = random.of(SIGNERS),
  { now = NOW, authority = 'lienthong.example:8080', choice } = {},
) {
  const { method, target, body } = choice ?? {
    method: random.of(['GET', 'POST', 'PUT', 'DELETE']),
    target: random.of(TARGETS),
    body: random.chance(0.4) ? null : Buffer.from(JSON.stringify({ title: random.text(12), n: random.below(99) })),
  };
  const headers = {
    host: authority,
    'content-type': 'application/json',
    'x-request-id': random.text(16),
    'idempotency-key': random.text(20),
  };
  const cover = random.of([[], [], ['@authority'], ['content-type'], ['idempotency-key', '@authority']]);
  const created = Math.floor(now / 1000) + random.below(500) - 250;
  const options = { created, nonce: random.text(16 + random.below(49)), cover };
  const signed = signRequest({ method, target, headers, body: body ?? undefined }, signer, options);
  return { signer, method, target, rawHeaders: Object.entries({ ...headers, ...signed }).flat(), body };
}
