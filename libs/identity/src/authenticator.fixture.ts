import type { SessionRecord } from '@lienthong/persistence';
import { NonceStore } from '@lienthong/persistence';
import { type SigningKey, type SigningOptions, signRequest } from '@lienthong/signing';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { Authenticator } from './authenticator';
import { LocalAccessKeyVerifier } from './access-keys/local-access-key-verifier';
import { SecretBox } from './access-keys/secret-box';
import type { RingKey } from './keys/key-ring';
import { SessionKeys } from './keys/session-keys';

export const NOW = Date.parse('2026-11-20T08:00:00Z');
export const SESSION = '0197f0aa-0000-7000-8000-000000000001';
const SECRET = 'c2VjcmV0LWtleS1mb3Itc3BlY3Mtb25seS0zMmJ5dGU';
export const rsa = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

export const box = new SecretBox(Buffer.alloc(32, 7));
const DAY_KEY = Buffer.alloc(32, 9);
export const sessionKeys = new SessionKeys({ of: async () => DAY_KEY });

export function keyOf(changes: Partial<RingKey> = {}): RingKey {
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

export const sessionOf = (changes: Partial<SessionRecord> = {}): SessionRecord => ({
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

export function platform({ key = keyOf(), session = sessionOf() }: { key?: RingKey; session?: SessionRecord } = {}) {
  const rows = new Set<string>();
  const touched: string[] = [];
  const nonces = new NonceStore({
    query: async <T>(sql: string, [keys, values]: unknown[] = []) => {
      const uses = (keys as string[]).map((keyId, index) => ({ keyId, nonce: (values as string[])[index] }));
      const fresh = uses.filter((use) => !rows.has(JSON.stringify(use)));
      if (sql.startsWith('SELECT')) return uses.filter((use) => !fresh.includes(use)) as T[];
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

export const HMAC: SigningKey = { keyId: 'AK1', alg: 'hmac-sha256', secret: SECRET };
export const OF_SESSION: SigningKey = {
  keyId: SESSION,
  alg: 'hmac-sha256',
  secret: createHmac('sha256', DAY_KEY).update(SESSION).digest('base64url'),
};

export function signed(key: SigningKey = HMAC, options: SigningOptions & { body?: string; target?: string } = {}) {
  const { body, target = '/v1/packets?limit=5', ...rest } = options;
  const request = { method: 'POST', target, body };
  const headers = signRequest(request, key, { created: NOW / 1000, ...rest });
  return { method: 'POST', target, rawHeaders: Object.entries(headers).flat(), body: body ? Buffer.from(body) : null };
}

export const refusal = (code: string, more: object = {}): unknown => expect.objectContaining({ code, ...more });
