import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyAgainstNothing, verifySignature, type Algorithm } from './algorithms';
import { parseSignature, readSignature, type ReceivedRequest } from './read-signature';
import { signRequest } from './sign-request';
import { SignatureError } from './signature-error';

interface Vectors {
  windowSeconds: number;
  keys: Record<string, { alg: Algorithm; secret?: string; publicKeyPem?: string; privateKeyPem?: string }>;
  cases: {
    name: string;
    key: string;
    sign?: { created: number; nonce: string; cover: string[] };
    request: { method: string; target: string; headers: [string, string][]; body: string | null };
    now: number;
    expect: string;
    base?: string;
  }[];
}
const file = join(__dirname, '../../../../docs/test-vectors/signatures.json');
const { windowSeconds, keys, cases } = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

const received = ({ method, target, headers, body }: Vectors['cases'][number]['request']): ReceivedRequest => ({
  method,
  target,
  rawHeaders: headers.flat(),
  body: body === null ? null : Buffer.from(body, 'base64'),
});

/** As a server does it: read, find the key, its algorithm, then the signature. */
function judge(request: ReceivedRequest, now: number): { result: string; base?: string } {
  try {
    const { keyId, alg, base, signature } = readSignature(request, { now, windowSeconds });
    const key = keys[keyId];
    if (!key) return { result: 'unknown_key' };
    if (key.alg !== alg) return { result: 'algorithm_not_allowed' };
    const { secret, publicKeyPem = '' } = key;
    const fits = verifySignature(alg, secret === undefined ? { publicKeyPem } : { secret }, base, signature);
    return { result: fits ? 'ok' : 'signature_invalid', base };
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    return { result: error.code };
  }
}

describe('the published test vectors', () => {
  it.each(cases.map((vector) => [vector.name, vector] as const))(
    '%s',
    (_, { request, now, expect: expected, base }) => {
      const judged = judge(received(request), now);
      expect(judged.result).toBe(expected);
      if (base !== undefined) expect(judged.base).toBe(base);
    },
  );

  it('hold at least four good and forty bad cases of each algorithm', () => {
    for (const alg of ['hmac-sha256', 'rsa-pss-sha512', 'rsa-v1_5-sha256', 'hmac-sha1']) {
      const own = cases.filter(({ name }) => name.startsWith(`${alg}:`));
      expect(own.filter((vector) => vector.expect === 'ok').length).toBeGreaterThanOrEqual(4);
      expect(own.filter((vector) => vector.expect !== 'ok').length).toBeGreaterThanOrEqual(40);
    }
  });

  const toSign = cases.flatMap((vector) => (vector.sign ? [[vector.name, vector, vector.sign] as const] : []));
  it.each(toSign)('%s: our client makes the same headers', (_, { key, request }, options) => {
    const headers = Object.fromEntries(request.headers.map(([name, value]) => [name.toLowerCase(), value]));
    const { signature, 'signature-input': input, 'content-digest': digest, ...others } = headers;
    const { body } = received(request);
    const made = signRequest(
      { ...request, headers: others, body: body ?? undefined },
      { keyId: key, ...keys[key] },
      options,
    );
    expect(made['signature-input']).toBe(input);
    expect(made['content-digest']).toBe(digest);
    if (keys[key].alg !== 'rsa-pss-sha512') expect(made.signature).toBe(signature);
  });
});

const failure = (act: () => unknown): SignatureError => {
  try {
    act();
  } catch (error) {
    if (error instanceof SignatureError) return error;
    throw error;
  }
  throw new Error('was accepted');
};

describe('reading a signature', () => {
  const now = 1_790_000_000;
  const key = { keyId: 'K', alg: 'hmac-sha256', secret: 'c2VjcmV0' } as const;
  const request = { method: 'POST', target: '/v1/packets', body: '{}' };
  const signed = (change: Record<string, string> = {}): ReceivedRequest => {
    const headers = { ...signRequest(request, key, { created: now, nonce: 'n-0123456789abcdef' }), ...change };
    return { ...request, rawHeaders: Object.entries(headers).flat(), body: Buffer.from('{}') };
  };
  it('gives what the caller needs to find the key and to store the nonce', () => {
    expect(readSignature(signed(), { now, windowSeconds })).toMatchObject({
      keyId: 'K',
      alg: 'hmac-sha256',
      created: now,
      nonce: 'n-0123456789abcdef',
      covered: ['@method', '@path', '@query', 'content-digest'],
      signatureInput: signed().rawHeaders[3],
    });
  });

  it('tells the server time and the window when the clock is wrong', () => {
    const { params } = failure(() => readSignature(signed(), { now: now + 301, windowSeconds }));
    expect(params).toEqual({ window: 300, serverTime: '2026-09-21T14:18:21.000Z' });
  });

  it('names every component and parameter that is missing', () => {
    const input = 'sig=("@path");created=1790000000';
    expect(failure(() => parseSignature(signed({ 'signature-input': input }))).params).toEqual({
      missing: '@method, @query, content-digest',
    });
    const covered = 'sig=("@method" "@path" "@query" "content-digest");created=1790000000';
    expect(failure(() => parseSignature(signed({ 'signature-input': covered }))).params).toEqual({
      missing: 'nonce, keyid, alg',
    });
  });

  it('parses without clock and body what it would refuse with them', () => {
    const other = { ...signed(), body: Buffer.from('{"other":true}') };
    expect(failure(() => readSignature(other, { now, windowSeconds })).code).toBe('digest_mismatch');
    expect(parseSignature(other).base).toBe(readSignature(signed(), { now, windowSeconds }).base);
  });

  it.each(['signature', 'signature-input'])('refuses a %s of more than 4096 characters unread', (name) => {
    const { code, params } = failure(() => parseSignature(signed({ [name]: `sig=:${'A'.repeat(8192)}:` })));
    expect([code, params.why]).toEqual(['signature_malformed', expect.stringContaining('longer than 4096')]);
  });

  it.each(['__proto__', 'constructor', 'toString'])('finds no header of the name %s where there is none', (name) => {
    const input = `sig=("@method" "@path" "@query" "content-digest" "${name.toLowerCase()}");created=1790000000;nonce="n-0123456789abcdef";keyid="K";alg="hmac-sha256"`;
    expect(failure(() => parseSignature(signed({ 'signature-input': input }))).code).toBe('signature_malformed');
  });

  it('keeps a hostile algorithm name short in the error', () => {
    const input = signed().rawHeaders[3].replace('hmac-sha256', 'x'.repeat(3000));
    expect(failure(() => parseSignature(signed({ 'signature-input': input }))).params.alg).toHaveLength(40);
  });
});

describe('verifying', () => {
  const { publicKeyPem = '' } = keys['TEST-PSS'];
  const hmacUnderPem = signRequest(
    { method: 'GET', target: '/' },
    { keyId: 'K', alg: 'hmac-sha256', secret: publicKeyPem },
    { created: 1, nonce: 'n-0123456789abcdef' },
  );
  const rawHeaders = Object.entries(hmacUnderPem).flat();
  const { base, signature } = parseSignature({ method: 'GET', target: '/', rawHeaders, body: null });

  it('never takes a public key for an HMAC secret, nor a secret for a public key', () => {
    expect(verifySignature('hmac-sha256', { secret: publicKeyPem }, base, signature)).toBe(true);
    expect(verifySignature('hmac-sha256', { publicKeyPem }, base, signature)).toBe(false);
    expect(verifySignature('rsa-v1_5-sha256', { secret: publicKeyPem }, base, signature)).toBe(false);
  });

  it('never accepts an empty secret', () => {
    const mac = createHmac('sha256', '').update(base).digest();
    expect(verifySignature('hmac-sha256', { secret: '' }, base, mac)).toBe(false);
  });

  it.each(['hmac-sha256', 'hmac-sha1', 'rsa-pss-sha512', 'rsa-v1_5-sha256'] as const)(
    'against nothing, %s is false for signatures of any length',
    (alg) => {
      for (const length of [0, 1, 20, 32, 256, 512, 3000]) {
        expect(verifyAgainstNothing(alg, base, Buffer.alloc(length, 1))).toBe(false);
      }
    },
  );
});
