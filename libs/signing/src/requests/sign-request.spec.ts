import { makeHmac, verifySignature } from './algorithms';
import { signatureBase, signRequest, type RequestToSign, type SigningKey } from './sign-request';
import { baseOf } from './signature-base';
import { SignatureError } from './signature-error';

const key: SigningKey = {
  keyId: 'AKEXAMPLE',
  alg: 'hmac-sha256',
  secret: 'c2VjcmV0LWtleS1mb3ItZG9jcy1vbmx5LTMyYnl0ZXM',
};
const options = { created: 1_790_000_000, nonce: 'n-0123456789abcdef' };

describe('the worked example of protocol 3', () => {
  const request: RequestToSign = { method: 'POST', target: '/v1/packets', body: '{}' };

  it('comes out byte for byte', () => {
    expect(signRequest(request, key, options)).toEqual({
      'content-digest': 'sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:',
      'signature-input':
        'sig=("@method" "@path" "@query" "content-digest");created=1790000000;nonce="n-0123456789abcdef";keyid="AKEXAMPLE";alg="hmac-sha256"',
      signature: 'sig=:szUaU14Z+z46I8UNo4dz+532joaxsto4EPpCsnei0p0=:',
    });
  });

  it('has the signature base that the protocol prints', () => {
    expect(signatureBase(request, key, options)).toBe(
      [
        '"@method": POST',
        '"@path": /v1/packets',
        '"@query": ?',
        '"content-digest": sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:',
        '"@signature-params": ("@method" "@path" "@query" "content-digest");created=1790000000;nonce="n-0123456789abcdef";keyid="AKEXAMPLE";alg="hmac-sha256"',
      ].join('\n'),
    );
  });
});

describe('the examples of RFC 9421 appendix B.2', () => {
  const message = {
    method: 'POST',
    target: '/foo?param=Value&Pet=dog',
    headers: new Map([
      ['host', ['example.com']],
      ['date', ['Tue, 20 Apr 2021 02:07:55 GMT']],
      ['content-type', ['application/json']],
      [
        'content-digest',
        ['sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:'],
      ],
      ['content-length', ['18']],
    ]),
  };

  it('B.2.5: the HMAC-SHA-256 of the base is that of the RFC', () => {
    const base = baseOf(
      message,
      ['date', '@authority', 'content-type'],
      '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    );
    expect(base.split('\n').slice(0, 2)).toEqual([
      '"date": Tue, 20 Apr 2021 02:07:55 GMT',
      '"@authority": example.com',
    ]);
    const secret = Buffer.from(
      'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
      'base64',
    );
    expect(makeHmac('hmac-sha256', secret, base).toString('base64')).toBe(
      'pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=',
    );
  });

  it('B.2.3: the RSA-PSS signature of the RFC verifies over the base, with derived components and headers', () => {
    const publicKeyPem = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----`;
    const covered = [
      'date',
      '@method',
      '@path',
      '@query',
      '@authority',
      'content-type',
      'content-digest',
      'content-length',
    ];
    const list = covered.map((name) => `"${name}"`).join(' ');
    const base = baseOf(message, covered, `(${list});created=1618884473;keyid="test-key-rsa-pss"`);
    const signature = Buffer.from(
      'bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==',
      'base64',
    );
    expect(verifySignature('rsa-pss-sha512', { publicKeyPem }, base, signature)).toBe(true);
    expect(verifySignature('rsa-pss-sha512', { publicKeyPem }, `${base} `, signature)).toBe(false);
  });
});

describe('signing', () => {
  const get: RequestToSign = { method: 'GET', target: '/v1/deliveries' };
  const why = (request: RequestToSign, by = key, more = {}): unknown => {
    try {
      return signRequest(request, by, { ...options, ...more });
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      return [error.code, error.params.why];
    }
  };

  it('makes a nonce of its own for each request, and takes the present time', () => {
    const inputs = Array.from({ length: 100 }, () => signRequest(get, key)['signature-input']);
    const read = inputs.map((input) => /created=(\d+);nonce="([A-Za-z0-9_-]{24})"/.exec(input));
    expect(new Set(read.map((match) => match?.[2])).size).toBe(100);
    expect(Math.abs(Number(read[0]?.[1]) - Date.now() / 1000)).toBeLessThan(5);
  });

  it('gives no digest for an empty body', () => {
    expect(Object.keys(signRequest({ ...get, body: '' }, key))).toEqual(['signature-input', 'signature']);
  });

  it('covers each further header once, in lower case', () => {
    const headers = { 'Content-Type': 'text/plain', Host: 'Lienthong.Example' };
    const cover = ['Content-Type', 'content-type', '@authority', '@path'];
    const base = signatureBase({ ...get, headers }, key, { ...options, cover });
    expect(base.split('\n').slice(0, -1)).toEqual([
      '"@method": GET',
      '"@path": /v1/deliveries',
      '"@query": ?',
      '"content-type": text/plain',
      '"@authority": lienthong.example',
    ]);
  });

  it.each<[string, RequestToSign, SigningKey, object, string]>([
    ['a target that is a whole URL', { ...get, target: 'https://x.example/v1' }, key, {}, 'target'],
    ['a target with a space', { ...get, target: '/v1/a b' }, key, {}, 'target'],
    ['a method with a line end', { ...get, method: 'GET\n"x": y' }, key, {}, 'method'],
    ['a covered header that is absent', get, key, { cover: ['x-absent'] }, 'x-absent'],
    ['a covered header given twice', { ...get, headers: { 'X-A': '1', 'x-a': '2' } }, key, { cover: ['x-a'] }, 'x-a'],
    ['a covered header beyond ASCII', { ...get, headers: { 'x-a': 'đ' } }, key, { cover: ['x-a'] }, 'ASCII'],
    ['a short nonce', get, key, { nonce: 'short' }, 'nonce'],
    ['a created with a fraction', get, key, { created: 1.5 }, 'created'],
    ['a key id with a space', get, { ...key, keyId: 'a b' }, {}, 'keyid'],
    ['an empty secret', get, { ...key, secret: '' }, {}, 'secret'],
    ['RSA without a private key', get, { ...key, alg: 'rsa-pss-sha512' }, {}, 'private key'],
  ])('refuses %s', (_, request, by, more, reason) => {
    expect(why(request, by, more)).toEqual(['signature_malformed', expect.stringContaining(reason)]);
  });
});
