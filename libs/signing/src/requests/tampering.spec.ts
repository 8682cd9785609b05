import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { verifySignature, type Algorithm, type VerificationKey } from './algorithms';
import { readSignature, type ReceivedRequest } from './read-signature';
import { signRequest, type RequestToSign, type SigningKey } from './sign-request';
import { SignatureError } from './signature-error';

const now = 1_790_000_000;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicKey = createPublicKey(privateKeyPem);
const secret = 'c2VjcmV0LWtleS1mb3ItZG9jcy1vbmx5LTMyYnl0ZXM';

const characters = (from: string): fc.Arbitrary<string> => fc.string({ unit: fc.constantFrom(...from), maxLength: 40 });
const visible = String.fromCharCode(...Array.from({ length: 94 }, (_, i) => 0x21 + i));

const requests: fc.Arbitrary<RequestToSign & { headers: Record<string, string> }> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
  target: characters(visible.replace('#', '')).map((text) => `/${text}`),
  headers: fc.record({
    'x-covered': characters(`${visible} \t`).map((text) => text.trim()),
    host: fc.constantFrom('lienthong.example', 'localhost:8080'),
  }),
  body: fc.oneof(
    fc.constant(undefined),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  ),
});

function sent(request: RequestToSign, key: SigningKey): ReceivedRequest {
  const signed = signRequest(request, key, { created: now, cover: ['x-covered', '@authority'] });
  return {
    method: request.method,
    target: request.target,
    rawHeaders: Object.entries({ ...request.headers, ...signed }).flat(),
    body: request.body === undefined ? null : Buffer.from(request.body),
  };
}

function accepted(request: ReceivedRequest, alg: Algorithm, key: VerificationKey): boolean {
  try {
    const read = readSignature(request, { now, windowSeconds: 300 });
    return read.alg === alg && verifySignature(alg, key, read.base, read.signature);
  } catch (error) {
    if (error instanceof SignatureError) return false;
    throw error;
  }
}

/** Changes one byte; `at` wraps around. */
const altered = (bytes: Buffer, at: number, xor: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at % copy.length] ^= xor;
  return copy;
};
const alteredText = (text: string, at: number, xor: number): string =>
  altered(Buffer.from(text, 'latin1'), at, xor).toString('latin1');

const AREAS = [
  'method',
  'target',
  'body',
  'x-covered',
  'host',
  'content-digest',
  'signature-input',
  'signature',
] as const;

/** A request with one byte changed in one area; undefined where the area is empty, or the change has no meaning (letter case of a host). */
function mutant(
  request: ReceivedRequest,
  area: (typeof AREAS)[number],
  at: number,
  xor: number,
): ReceivedRequest | undefined {
  if (area === 'method' || area === 'target') return { ...request, [area]: alteredText(request[area], at, xor) };
  if (area === 'body') return request.body?.length ? { ...request, body: altered(request.body, at, xor) } : undefined;
  const index = request.rawHeaders.indexOf(area) + 1;
  const value = request.rawHeaders[index];
  if (index === 0 || value === '') return undefined;
  const changed = alteredText(value, at, xor);
  if (area === 'host' && changed.toLowerCase() === value.toLowerCase()) return undefined;
  return { ...request, rawHeaders: request.rawHeaders.with(index, changed) };
}

describe.each<[Algorithm, VerificationKey, number, number]>([
  ['hmac-sha256', { secret }, 500, 4000],
  ['hmac-sha1', { secret }, 200, 1000],
  ['rsa-pss-sha512', { publicKey }, 50, 1000],
  ['rsa-v1_5-sha256', { publicKey }, 50, 1000],
])('%s', (alg, key, signs, mutants) => {
  const signingKey = { keyId: 'K', alg, secret, privateKeyPem };

  it('verifies whatever request was signed', () => {
    fc.assert(
      fc.property(requests, (request) => accepted(sent(request, signingKey), alg, key)),
      { numRuns: signs },
    );
  });

  const originals = fc.sample(requests, 20).map((request) => sent(request, signingKey));
  const change = { at: fc.nat(), xor: fc.integer({ min: 1, max: 255 }) };

  it('accepts no request of which one byte was changed', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(
        fc.record({ original: fc.constantFrom(...originals), area: fc.constantFrom(...AREAS), ...change }),
        ({ original, area, at, xor }) => {
          const changed = mutant(original, area, at, xor);
          if (changed) reached.add(area);
          return !changed || !accepted(changed, alg, key);
        },
      ),
      { numRuns: mutants },
    );
    expect(reached).toEqual(new Set(AREAS));
  });

  it('verifies neither another base nor another signature', () => {
    fc.assert(
      fc.property(fc.record({ original: fc.constantFrom(...originals), ...change }), ({ original, at, xor }) => {
        const { base, signature } = readSignature(original, { now, windowSeconds: 300 });
        expect(verifySignature(alg, key, base, signature)).toBe(true);
        expect(verifySignature(alg, key, alteredText(base, at, xor), signature)).toBe(false);
        expect(verifySignature(alg, key, base, altered(signature, at, xor))).toBe(false);
      }),
      { numRuns: mutants / 4 },
    );
  });
});
