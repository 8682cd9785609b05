// The list of cases that generate-signatures.mjs writes: what is signed, what is done to it afterwards, what a server must say.
import { constants, createHash, createHmac, sign } from 'node:crypto';

const set = (request, name, value) => (request.headers.find(([header]) => header.toLowerCase() === name)[1] = value);
const drop = (request, name) => (request.headers = request.headers.filter(([header]) => header.toLowerCase() !== name));

/** `add(keyId, name, expect, shape, change)` makes one case; see generate-signatures.mjs. */
export function addCases({ add, keys, make, digest, get, now, pss }) {
  const signatureText = (text) => (request) => set(request, 'signature', text(get(request.headers, 'signature')));

  const json = '{"to":["H01.20"],"title":"V/v kiểm thử"}';
  const post = { method: 'POST', target: '/v1/packets', body: json };
  const vietnamese = { ...post, body: '{"title":"Về việc triển khai trục liên thông văn bản – số 12/TB"}' };
  const type = { headers: [['Content-Type', 'application/json; charset=utf-8']], cover: ['content-type'] };

  for (const keyId of ['TEST-HMAC', 'TEST-PSS', 'TEST-V15', 'TEST-SHA1']) {
    const other = {
      secret: 'YW5vdGhlci1zZWNyZXQ',
      privateKeyPem: keys[keyId === 'TEST-PSS' ? 'TEST-V15' : 'TEST-PSS'].privateKeyPem,
    };
    const ok = (name, shape, change) => add(keyId, name, 'ok', shape, change);
    const bad = (name, code, shape, change) => add(keyId, name, code, shape, change);

    ok('GET without query');
    ok('GET with query', { target: '/v1/packets?state=open&to=H01.20&q=%C4%91i%E1%BB%87n' });
    ok('GET with an empty query', { target: '/v1/packets?' });
    ok('GET whose query holds a second question mark', { target: '/v1/packets?q=a?b' });
    ok('GET of an encoded path, which is never decoded', { target: '/v1/directory/H01.14%2Fqlvb/../x//y' });
    ok('POST with body', post);
    ok('POST without body', { method: 'POST', target: '/v1/deliveries/0197a1b2-7c33-7d00-8000-0123456789ab/ready' });
    ok('POST with a non-ASCII body', vietnamese);
    ok('POST with a body of arbitrary bytes', { ...post, body: Buffer.from([0, 255, 13, 10, 195, 40]) });
    ok('content-type covered as well', { ...post, ...type });
    ok('@authority covered as well, lower-case', { ...post, cover: ['@authority'] });
    ok('outer whitespace of a covered header does not count', { ...post, ...type }, (r) =>
      set(r, 'content-type', ` \t${type.headers[0][1]} `),
    );
    ok('an unknown parameter is verified and passed over', { params: (p) => `${p};tag="my-app"` });
    ok('parameters in another order', { params: (p) => `;${p.slice(1).split(';').toReversed().join(';')}` });
    ok('created 300 s ago', { now: now + 300 });
    ok('created 300 s ahead', { now: now - 300 });

    bad('altered method', 'signature_invalid', post, (r) => (r.method = 'PUT'));
    bad('altered path', 'signature_invalid', {}, (r) => (r.target = '/v1/deliveriez'));
    bad('path in other letters', 'signature_invalid', {}, (r) => (r.target = '/V1/deliveries'));
    bad('path decoded on the way', 'signature_invalid', { target: '/v1/%70ackets' }, (r) => (r.target = '/v1/packets'));
    bad('query added', 'signature_invalid', {}, (r) => (r.target += '?limit=500'));
    bad('empty query added to the path', 'signature_invalid', { target: '/v1/a?b' }, (r) => (r.target = '/v1/a?b?'));
    bad(
      'query in another order',
      'signature_invalid',
      { target: '/v1/a?x=1&y=2' },
      (r) => (r.target = '/v1/a?y=2&x=1'),
    );
    bad('query taken away', 'signature_invalid', { target: '/v1/a?x=1' }, (r) => (r.target = '/v1/a'));
    bad('altered body', 'digest_mismatch', post, (r) => (r.body = json.replace('H01.20', 'H01.21')));
    bad('body put into another normal form', 'digest_mismatch', vietnamese, (r) => (r.body = r.body.normalize('NFD')));
    bad('altered digest', 'digest_mismatch', post, (r) => set(r, 'content-digest', digest('{}')));
    bad(
      'body and digest altered',
      'signature_invalid',
      post,
      (r) => ((r.body = '{}'), set(r, 'content-digest', digest('{}'))),
    );
    bad('body taken away', 'digest_mismatch', post, (r) => (r.body = null));
    bad('body added', 'signature_incomplete', {}, (r) => (r.body = '{}'));
    bad('altered covered header', 'signature_invalid', { ...post, ...type }, (r) =>
      set(r, 'content-type', 'application/xml'),
    );
    bad('altered authority', 'signature_invalid', { cover: ['@authority'] }, (r) => set(r, 'host', 'other.example'));
    bad('altered created', 'signature_invalid', {}, (r, { input }) =>
      set(r, 'signature-input', input.replace(`${now}`, `${now + 1}`)),
    );
    bad('wrong key', 'signature_invalid', { by: other });
    bad('unknown key', 'unknown_key', { as: 'NOBODY' });
    bad('shortened signature', 'signature_invalid', {}, (r, { bytes }) =>
      set(r, 'signature', `sig=:${bytes.subarray(0, -1).toString('base64')}:`),
    );
    bad('lengthened signature', 'signature_invalid', {}, (r, { bytes }) =>
      set(r, 'signature', `sig=:${Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64')}:`),
    );
    bad(
      'empty signature',
      'signature_invalid',
      {},
      signatureText(() => 'sig=::'),
    );
    bad('created 301 s ago', 'clock_skew', { now: now + 301 });
    bad('created 301 s ahead', 'clock_skew', { now: now - 301 });
    bad('past its own expires', 'clock_skew', { params: (p) => `${p};expires=${now + 10}`, now: now + 11 });

    bad('no body digest covered', 'signature_incomplete', { ...post, covered: ['@method', '@path', '@query'] });
    bad('content-digest covered but absent', 'signature_malformed', post, (r) => drop(r, 'content-digest'));
    bad('query not covered', 'signature_incomplete', { covered: ['@method', '@path'] });
    bad('nothing covered', 'signature_incomplete', { covered: [] });
    bad('components in another order', 'signature_incomplete', {
      ...post,
      covered: ['@method', '@query', '@path', 'content-digest'],
    });
    bad('content-digest not in fourth place', 'signature_incomplete', {
      ...post,
      ...type,
      covered: ['@method', '@path', '@query', 'content-type', 'content-digest'],
    });
    for (const name of ['created', 'nonce', 'keyid', 'alg']) {
      bad(`no ${name}`, 'signature_incomplete', { params: (p) => p.replace(new RegExp(`;${name}=[^;]*`), '') });
    }
    bad('no signature', 'signature_missing', {}, (r) => drop(r, 'signature'));
    bad('no signature input', 'signature_missing', {}, (r) => drop(r, 'signature-input'));

    bad(
      'base64 without padding',
      'signature_malformed',
      {},
      signatureText((s) => s.replace(/=+:$/, ':')),
    );
    bad(
      'base64 with more padding',
      'signature_malformed',
      {},
      signatureText((s) => s.replace(/:$/, '=:')),
    );
    bad(
      'base64url',
      'signature_malformed',
      { until: /[+/]/ },
      signatureText((s) => s.replace(/\+/g, '-').replace(/\/(?=.*:)/g, '_')),
    );
    bad(
      'base64 with unused bits set',
      'signature_malformed',
      {},
      signatureText((s) => s.replace(/.(?==+:$)/, (c) => String.fromCharCode(c.charCodeAt(0) + 1))),
    );
    bad(
      'whitespace in the base64',
      'signature_malformed',
      {},
      signatureText((s) => s.replace(/(?<=:.{8})/, ' ')),
    );
    bad(
      'signature as a string',
      'signature_malformed',
      {},
      signatureText((s) => s.replace(/:/g, '"')),
    );
    bad(
      'signature with a parameter',
      'signature_malformed',
      {},
      signatureText((s) => `${s};x=1`),
    );
    bad('two signatures', 'signature_malformed', {}, (r, { input, signature }) => {
      set(r, 'signature-input', `${input}, ${input.replace('sig=', 'sig2=')}`);
      set(r, 'signature', `${signature}, ${signature.replace('sig=', 'sig2=')}`);
    });
    bad(
      'the label twice',
      'signature_malformed',
      {},
      signatureText((s) => `${s}, ${s}`),
    );
    bad('the Signature header twice', 'signature_malformed', {}, (r, { signature }) =>
      r.headers.push(['signature', signature]),
    );
    bad('another label', 'signature_malformed', {}, (r, { input, signature }) => {
      set(r, 'signature-input', input.replace('sig=', 'sig1='));
      set(r, 'signature', signature.replace('sig=', 'sig1='));
    });
    bad('covered header twice', 'signature_malformed', { ...post, ...type }, (r) =>
      r.headers.push(['content-type', 'application/json; charset=utf-8']),
    );
    bad('Content-Digest twice', 'signature_malformed', post, (r) => r.headers.push(['Content-Digest', digest(json)]));
    bad('unknown derived component', 'signature_malformed', { cover: ['@request-target'] });
    bad('component with a parameter', 'signature_malformed', {
      list: '("@method" "@path" "@query" "host";sf)',
      cover: ['host'],
    });
    bad('component covered twice', 'signature_malformed', { cover: ['@path'] });
    bad('component in capitals', 'signature_malformed', { ...post, cover: ['Content-Type'], headers: type.headers });
    bad('covered header that is absent', 'signature_malformed', { cover: ['x-absent'] });
    bad('line end in a covered header', 'signature_malformed', { ...type }, (r) => set(r, 'content-type', 'a\n"x": b'));
    bad('whitespace in the list', 'signature_malformed', { list: '( "@method"  "@path" "@query" )' });
    bad('whitespace between parameters', 'signature_malformed', { params: (p) => p.replace(/;/g, '; ') });
    bad('created as a string', 'signature_malformed', { params: (p) => p.replace(/created=(\d+)/, 'created="$1"') });
    bad('created as a decimal', 'signature_malformed', { params: (p) => p.replace(/created=(\d+)/, 'created=$1.5') });
    bad('short nonce', 'signature_malformed', { params: (p) => p.replace(/nonce="[^"]*"/, 'nonce="n-0123456789abc"') });
    bad('nonce of other characters', 'signature_malformed', {
      params: (p) => p.replace(/nonce="[^"]*"/, 'nonce="n-0123456789 abcdef"'),
    });
    bad('keyid as a token', 'signature_malformed', { params: (p) => p.replace(/keyid="([^"]*)"/, 'keyid=$1') });
    bad('a parameter twice', 'signature_malformed', { params: (p) => `${p};created=${now}` });
    bad('target with a fragment', 'signature_malformed', { target: '/v1/packets#x' });
    bad('target in absolute form', 'signature_malformed', { target: 'http://lienthong.example/v1/packets' });
    bad('target with raw non-ASCII', 'signature_malformed', { target: '/v1/packets?q=\u00e9' });
    bad('no algorithm at all', 'algorithm_not_allowed', { params: (p) => p.replace(/alg="[^"]*"/, 'alg="none"') });
    bad('algorithm that is not of the key', 'algorithm_not_allowed', {
      alg: keyId === 'TEST-HMAC' ? 'hmac-sha1' : 'hmac-sha256',
      by: { secret: keys[keyId].secret ?? keys[keyId].publicKeyPem },
    });
  }

  const hmac = 'TEST-HMAC';
  add(hmac, 'SHA-512 body digest', 'ok', { ...post, digest: digest(json, 'sha-512') });
  add(hmac, 'both body digests', 'ok', { ...post, digest: `${digest(json)}, ${digest(json, 'sha-512')}` });
  add(hmac, 'an unknown digest beside SHA-256', 'ok', { ...post, digest: `md5=:AAAA:, ${digest(json)}` });
  add(hmac, 'one of two body digests wrong', 'digest_mismatch', {
    ...post,
    digest: `${digest(json)}, ${digest('{}', 'sha-512')}`,
  });
  add(hmac, 'no body digest that is known', 'signature_malformed', { ...post, digest: 'md5=:AAAA:' });
  add(hmac, 'body digest without padding', 'signature_malformed', {
    ...post,
    digest: digest(json).replace(/=:$/, ':'),
  });
  add(hmac, 'body digest in hexadecimal', 'signature_malformed', {
    ...post,
    digest: `sha-256=${createHash('sha256').update(json).digest('hex')}`,
  });
  add(hmac, 'body digest of another length', 'digest_mismatch', { ...post, digest: 'sha-256=:AAAA:' });
  add(hmac, 'secret base64-decoded instead of taken as text', 'signature_invalid', {
    make: (base, key) => createHmac('sha256', Buffer.from(key.secret, 'base64url')).update(base).digest(),
  });
  add(hmac, 'base with a line end after the last line', 'signature_invalid', {
    make: (base, key) => make['hmac-sha256'](`${base}\n`, key),
  });
  for (const saltLength of [0, 32, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
    const salt = saltLength < 0 ? 'of the greatest length' : `of ${saltLength} bytes`;
    add('TEST-PSS', `salt ${salt}`, 'signature_invalid', { padding: { ...pss, saltLength } });
  }
  add('TEST-PSS', 'signed by PKCS #1 v1.5', 'signature_invalid', { make: make['rsa-v1_5-sha256'] });
  add('TEST-V15', 'signed by PSS', 'signature_invalid', { make: make['rsa-pss-sha512'] });
  add('TEST-V15', 'signed over SHA-1', 'signature_invalid', {
    make: (base, key) => sign('sha1', Buffer.from(base), key.privateKeyPem),
  });
  add('TEST-V15-3072', 'key of 3072 bits', 'ok', post);
  add('TEST-V15-3072', 'signature of a key of another length', 'signature_invalid', { by: keys['TEST-V15'] });
}
