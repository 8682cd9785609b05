import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { calculateJwkThumbprint } from 'jose';
import { newPlatformKey, platformKeyOf } from './platform-key';
import { receiptHash, signReceipt } from './sign-receipt';
import { verifyReceipts, type ReceiptsToVerify } from './verify-receipts';

interface Vectors {
  jwks: { keys: object[] };
  cases: { name: string; bundle: ReceiptsToVerify; valid: boolean; problemsAt: number[] }[];
}
const file = join(__dirname, '../../../../docs/test-vectors/receipts.json');
const { jwks: published, cases } = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

const { kid, privatePem, publicJwk } = newPlatformKey();
const key = platformKeyOf(kid, privatePem);
const jwks = { keys: [publicJwk] };
const packetId = '0197a1b2-7c33-7d00-8000-0123456789ab';

function chain(length: number): string[] {
  const made: string[] = [];
  for (let i = 0; i < length; i++) {
    const prev = i === 0 ? null : receiptHash(made[i - 1]);
    made.push(signReceipt({ packetId, jti: `j${i}`, prev, title: 'văn bản' }, key));
  }
  return made;
}
const verify = (list: string[], keys = jwks): ReturnType<typeof verifyReceipts> =>
  verifyReceipts({ packetId, receipts: list.map((jws) => ({ jws })) }, keys);

describe('the published receipts', () => {
  it.each(cases.map((vector) => [vector.name, vector] as const))('%s', async (_, { bundle, valid, problemsAt }) => {
    const verified = await verifyReceipts(bundle, published);
    expect(verified.valid).toBe(valid);
    expect([...new Set(verified.problems.map(({ index }) => index))]).toEqual(problemsAt);
  });
});

it('takes no other algorithm even from a key set that names none', async () => {
  const keys = published.keys.map((key) => ({ ...key, alg: undefined }));
  for (const { bundle, valid } of cases) {
    expect((await verifyReceipts(bundle, { keys })).valid).toBe(valid);
  }
});

describe('receipts of our own', () => {
  it('verify in their chain, and their claims come back', async () => {
    const verified = await verify(chain(5));
    expect(verified).toMatchObject({ valid: true, problems: [] });
    expect(verified.claims).toHaveLength(5);
    expect(verified.claims[0]).toEqual({ packetId, jti: 'j0', prev: null, title: 'văn bản' });
  });

  it('say who signed them, how, and what they are', () => {
    const [header] = chain(1)[0].split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
      alg: 'EdDSA',
      kid,
      typ: 'lienthong-receipt+jwt',
    });
  });

  it('verify under no other platform', async () => {
    const { publicJwk: other } = newPlatformKey();
    expect((await verify(chain(1), { keys: [other] })).valid).toBe(false);
    expect((await verify(chain(1), { keys: [{ ...other, kid }] })).problems).toEqual([
      { index: 0, problem: 'signature verification failed' },
    ]);
  });

  it('verify no more when any one character was changed', async () => {
    const list = chain(2);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1),
        fc.nat(),
        fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ '),
        async (which, position, character) => {
          const at = position % list[which].length;
          fc.pre(list[which][at] !== character);
          const changed = list[which].slice(0, at) + character + list[which].slice(at + 1);
          expect((await verify(list.with(which, changed))).valid).toBe(false);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each<[string, unknown]>([
    ['no list', { packetId }],
    ['entries that are null', { packetId, receipts: [null] }],
    ['entries without jws', { packetId, receipts: [{}] }],
    ['claims that are not an object', { packetId, receipts: [{ jws: signReceipt(['x'], key) }] }],
  ])('are reported, not thrown, in a file with %s', async (_, bundle) => {
    const verified = await verifyReceipts(bundle as ReceiptsToVerify, jwks);
    expect(verified.valid).toBe(false);
    expect(verified.problems).toHaveLength(1);
  });
});

describe('the platform key', () => {
  it('is named by its RFC 7638 thumbprint', async () => {
    expect(kid).toBe(await calculateJwkThumbprint({ ...publicJwk, kty: 'OKP' }));
  });

  it('publishes nothing of its private half', () => {
    expect(Object.keys(publicJwk).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  });

  it('must be Ed25519', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(() => platformKeyOf('k', pem)).toThrow('must be Ed25519, this is rsa');
  });
});

it('hashes a receipt as base64url SHA-256 of its text', () => {
  expect(receiptHash('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
});
