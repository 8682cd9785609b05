import { createHash } from 'node:crypto';
import { differenceOf, explainRequest } from './explain-request';
import { requestOfText } from './http-text';
import { signatureBase, signRequest } from './sign-request';

const now = 1_790_000_000;
const at = { now, windowSeconds: 300 };
const key = { keyId: 'AKEXAMPLE', alg: 'hmac-sha256' as const, secret: 'x'.repeat(43) };
const options = { created: now + 2, nonce: 'n-0123456789abcdef' };
const body = '{"to":["H01.20"]}';
const toSign = { method: 'POST', target: '/v1/packets?x=1', body };
const base = signatureBase(toSign, key, options);
const sha256 = createHash('sha256').update(body).digest('base64');

function sent(change: Record<string, string> = {}) {
  const headers = { host: 'lienthong.example', ...signRequest(toSign, key, options), ...change };
  return { method: 'POST', target: toSign.target, rawHeaders: Object.entries(headers).flat(), body: Buffer.from(body) };
}

describe('explainRequest', () => {
  it('shows the text that a server verifies and the skew, and never the signature', () => {
    const explained = explainRequest({ ...sent(), clientBase: base }, at);
    expect(explained).toMatchObject({ signature: { base, keyId: 'AKEXAMPLE', alg: 'hmac-sha256' }, skewSeconds: 2 });
    expect(explained.failure ?? explained.difference).toBeUndefined();
    expect(JSON.stringify(explained)).not.toContain(signRequest(toSign, key, options).signature.slice(5, 20));
  });

  it('says the same of a right and of a wrong signature: it is no oracle', () => {
    const wrong = sent({ signature: `sig=:${Buffer.alloc(32).toString('base64')}:` });
    expect(explainRequest(wrong, at)).toEqual(explainRequest(sent(), at));
  });

  it.each([
    ['no signature', { signature: '', 'signature-input': 'x' }, 'signature_malformed'],
    ['another body', { 'content-digest': 'sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:' }, 'digest_mismatch'],
  ])('names the first check that fails: %s', (_what, change, code) => {
    expect(explainRequest(sent(change), at).failure?.code).toBe(code);
  });

  it('still shows the text when the clock is wrong', () => {
    const explained = explainRequest(sent(), { ...at, now: now + 1000 });
    expect(explained).toMatchObject({ failure: { code: 'clock_skew' }, skewSeconds: -998, signature: { base } });
  });

  it('takes the digest of a body in its place', () => {
    const { failure } = explainRequest({ ...sent(), body: null, bodySha256: sha256 }, at);
    expect(failure).toBeUndefined();
    const other = `${'A'.repeat(43)}=`;
    expect(explainRequest({ ...sent(), body: null, bodySha256: other }, at).failure?.code).toBe('digest_mismatch');
  });

  it('points at the first byte that differs', () => {
    const given = base.replace('/v1/packets', '/v1/packéts');
    const { difference } = explainRequest({ ...sent(), clientBase: given }, at);
    const offset = base.indexOf('ets');
    expect(difference).toMatchObject({ offset, line: 2 });
    expect(difference?.expected).toBe(base.slice(offset - 20, offset + 40));
    expect(difference?.given).toContain('/v1/packét');
    expect(differenceOf('a\n', 'a')).toEqual({ offset: 1, line: 1, expected: 'a\n', given: 'a' });
    expect(differenceOf('a', 'a')).toBeUndefined();
  });
});

describe('requestOfText', () => {
  const headers = Object.entries(signRequest(toSign, key, options)).map(([name, value]) => `${name}: ${value}`);

  it.each(['\r\n', '\n'])('reads a request whose lines end in %j', (end) => {
    const text = ['', 'POST /v1/packets?x=1 HTTP/1.1', ...headers, `Content-Length: ${body.length}`, '', body, ''];
    const request = requestOfText(text.join(end));
    expect(request.body?.toString()).toBe(body);
    expect(explainRequest({ ...request, clientBase: base }, at).signature?.base).toBe(base);
  });

  it('reads one without a body, with or without the empty line', () => {
    for (const text of ['GET / HTTP/1.1\nA: b', 'GET / HTTP/1.1\nA: b\n', 'GET / HTTP/1.1\nA: b\n\n'])
      expect(requestOfText(text)).toEqual({ method: 'GET', target: '/', rawHeaders: ['A', 'b'], body: null });
  });

  it.each([
    '',
    'GET /',
    'GET / HTTP/2',
    'GET / HTTP/1.1\nA: b\n c',
    'GET / HTTP/1.1\nno colon',
    'GET / HTTP/1.1\nA : b',
  ])('refuses %j', (text) =>
    expect(() => requestOfText(text)).toThrow(expect.objectContaining({ code: 'signature_malformed' })),
  );
});
