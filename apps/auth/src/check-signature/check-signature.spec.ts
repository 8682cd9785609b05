import type { SignatureCheck } from '@lienthong/contracts';
import { signatureBase, signRequest } from '@lienthong/signing';
import { CheckSignature } from './check-signature';

const NOW = 1_790_000_000_000;
const KEY = { keyId: 'AK1', alg: 'hmac-sha256' as const, secret: 's'.repeat(43) };
const OPTIONS = { created: NOW / 1000, nonce: 'n-0123456789abcdef' };
const REQUEST = { method: 'POST', target: '/v1/packets', body: '{}' };

function checking(check: SignatureCheck, state: object = {}) {
  const key = { algorithms: ['hmac-sha256'], ...state };
  const ring = {
    key: async (accessKey: string) => (accessKey === 'AK1' ? key : undefined),
    session: async () => undefined,
  } as unknown as ConstructorParameters<typeof CheckSignature>[0];
  return new CheckSignature(ring).check(check, 'en', NOW);
}
const sent = (key: typeof KEY | (Omit<typeof KEY, 'alg'> & { alg: 'hmac-sha1' }) = KEY): SignatureCheck => ({
  method: 'POST',
  target: '/v1/packets',
  headers: signRequest(REQUEST, key, OPTIONS),
  body: Buffer.from('{}').toString('base64'),
});

describe('check-signature', () => {
  it('shows the text that is verified, the skew, that the key is known, and what to compare next', async () => {
    expect(await checking(sent())).toEqual({
      serverTime: '2026-09-21T14:13:20.000Z',
      signatureBase: signatureBase(REQUEST, KEY, OPTIONS),
      keyId: 'AK1',
      algorithm: 'hmac-sha256',
      clockSkewSeconds: 0,
      key: 'known',
      failed: null,
      difference: null,
      nextStep: expect.stringContaining('signatureBase'),
    });
  });

  it('points at the first byte of the client’s text that differs', async () => {
    const given = signatureBase(REQUEST, KEY, OPTIONS).replace('"@query": ?', '"@query": ');
    const answer = await checking({ ...sent(), signatureBase: given });
    expect(answer.difference).toMatchObject({ line: 3, offset: given.indexOf('"@query": ') + 10 });
    expect(answer.nextStep).toContain('line 3');
  });

  it('answers the same whether the signature is right or forged, whether the key is in force or revoked: it is no oracle', async () => {
    const right = await checking(sent());
    const forged = {
      ...sent(),
      headers: { ...sent().headers, signature: `sig=:${Buffer.alloc(32, 1).toString('base64')}:` },
    };
    expect(await checking(forged)).toEqual(right);
    for (const state of [{ revokedAt: new Date(0) }, { suspendedAt: new Date(0) }, { expiresAt: new Date(0) }])
      expect(await checking(sent(), state)).toEqual(right);
    expect(JSON.stringify(right)).not.toContain(String(sent().headers?.signature).slice(5, 25));
  });

  it('tells of a key what every refused request tells: unknown, or not issued for the algorithm', async () => {
    expect(await checking(sent({ ...KEY, keyId: 'AK2' }))).toMatchObject({
      key: 'unknown',
      failed: { code: 'unknown_key' },
    });
    expect(await checking(sent({ ...KEY, alg: 'hmac-sha1' }))).toMatchObject({
      key: 'algorithmNotAllowed',
      failed: { code: 'algorithm_not_allowed' },
    });
  });

  it('names the first check that fails, before it looks for the key', async () => {
    const headers = { 'Content-Type': 'application/json' };
    expect(await checking({ ...sent(), headers })).toMatchObject({
      signatureBase: null,
      key: 'notLookedUp',
      failed: { code: 'signature_missing' },
    });
    const twice = { ...sent().headers, 'Content-Digest': ['a', 'b'] };
    expect(await checking({ ...sent(), headers: twice })).toMatchObject({ failed: { code: 'signature_malformed' } });
    expect(await checking({ ...sent(), body: 'e30K' })).toMatchObject({
      signatureBase: expect.stringContaining('/v1/packets'),
      key: 'notLookedUp',
      failed: { code: 'digest_mismatch' },
    });
  });

  it('reads the request as text, too', async () => {
    const headers = Object.entries(sent().headers ?? {}).map(([name, value]) => `${name}: ${String(value)}`);
    const http = ['POST /v1/packets HTTP/1.1', ...headers, '', '{}'].join('\r\n');
    expect(await checking({ http })).toEqual(await checking(sent()));
    expect(await checking({ http: 'hello' })).toMatchObject({ failed: { code: 'signature_malformed' } });
  });

  it('refuses two requests in one, and none', async () => {
    await expect(checking({ ...sent(), http: 'GET / HTTP/1.1' })).rejects.toMatchObject({ code: 'validation_failed' });
    await expect(checking({ ...sent(), bodySha256: `${'A'.repeat(43)}=` })).rejects.toMatchObject({
      code: 'validation_failed',
    });
    await expect(checking({ method: 'GET' })).rejects.toMatchObject({ code: 'validation_failed' });
  });
});
