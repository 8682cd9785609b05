// Writes receipts.json. It shares no code with libs/signing. Every run makes new keys, which exist nowhere else. Another file to write may be named, for comparing.
import { constants, createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const publish = (publicKey, kid, alg) => ({ ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' });
const ed25519 = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('ed25519');
const jwks = {
  keys: [publish(ed25519.publicKey, 'TEST-ED25519', 'EdDSA'), publish(rsa.publicKey, 'TEST-PS256', 'PS256')],
};

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const hash = (jws) => createHash('sha256').update(jws).digest('base64url');
const eddsa = (input) => sign(null, input, ed25519.privateKey);
const ps256 = (input) =>
  sign('sha256', input, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
const EDDSA = { header: { alg: 'EdDSA', kid: 'TEST-ED25519', typ: 'lienthong-receipt+jwt' }, make: eddsa };
const PS256 = { header: { alg: 'PS256', kid: 'TEST-PS256', typ: 'lienthong-receipt+jwt' }, make: ps256 };

function jwsOf(claims, { header, make }) {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${make(Buffer.from(input)).toString('base64url')}`;
}

const packetId = '0197a1b2-7c33-7d00-8000-0123456789ab';
const deliveryId = '0197a1b2-7c33-7d00-8000-0123456789ac';
const part = { name: '1234.edxml', size: 2, sha256: 'RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=' };
const EVENTS = ['packet.accepted', 'delivery.ready', 'delivery.accepted', 'packet.purged'];

/** A packet's receipts; `change(claims, index)` may alter what is signed, `signer(index)` who signs it. */
function chain({ change = () => {}, signer = () => EDDSA } = {}) {
  const receipts = [];
  for (const [index, event] of EVENTS.entries()) {
    const claims = {
      iss: 'https://lienthong.example',
      jti: `0197a1b2-7c33-7d00-8000-00000000000${index}`,
      iat: 1_790_000_000 + index,
      packetId,
      event,
      from: 'H01.14/qlvb',
      to: ['H01.20/motcua'],
      parts: [part],
      prev: index === 0 ? null : hash(receipts[index - 1].jws),
      ...(event.startsWith('delivery.') ? { deliveryId } : {}),
    };
    change(claims, index);
    const at = new Date(claims.iat * 1000).toISOString();
    receipts.push({ event, at, ...(claims.deliveryId ? { deliveryId } : {}), jws: jwsOf(claims, signer(index)) });
  }
  return receipts;
}

const good = chain();
const second = (signer) => chain({ signer: (index) => (index === 1 ? signer : EDDSA) });
const replaced = (index, edit) =>
  good.map((receipt, i) => (i === index ? { ...receipt, jws: edit(receipt.jws) } : receipt));
const lastBits = (jws) => jws.slice(0, -1) + String.fromCharCode(jws.charCodeAt(jws.length - 1) + 1);
const publicPem = ed25519.publicKey.export({ type: 'spki', format: 'pem' });

// name, receipts, the indexes at which a problem is reported (-1: the bundle)
const cases = [
  ['a whole chain', good, []],
  ['the first of them alone', good.slice(0, 1), []],
  ['some signed by PS256', chain({ signer: (index) => (index % 2 ? PS256 : EDDSA) }), []],
  ['no receipt', [], [-1]],
  [
    'claims altered',
    replaced(2, (jws) => {
      const [header, payload, signature] = jws.split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
      return [header, encode({ ...claims, event: 'delivery.rejected' }), signature].join('.');
    }),
    [2, 3],
  ],
  [
    'signature altered',
    replaced(3, (jws) => jws.replace(/\.(.)([^.]*)$/, (_, c, rest) => `.${c === 'A' ? 'B' : 'A'}${rest}`)),
    [3],
  ],
  ['unused bits of the last signature altered', replaced(3, lastBits), [3]],
  ['one left out', good.filter((_, index) => index !== 1), [1]],
  ['first left out', good.slice(1), [0]],
  ['two exchanged', [good[0], good[2], good[1], good[3]], [1, 2, 3]],
  ['one twice', [good[0], good[0], ...good.slice(1)], [1]],
  [
    'chain that starts anew in the middle',
    chain({ change: (claims, index) => index === 2 && (claims.prev = null) }),
    [2],
  ],
  ['chain without prev', chain({ change: (claims) => delete claims.prev }), [0, 1, 2, 3]],
  [
    'jti repeated',
    chain({ change: (claims, index) => index === 3 && (claims.jti = '0197a1b2-7c33-7d00-8000-000000000000') }),
    [3],
  ],
  ['jti missing', chain({ change: (claims, index) => index === 3 && delete claims.jti }), [3]],
  ['of another packet', chain({ change: (claims, index) => index === 2 && (claims.packetId = deliveryId) }), [2]],
  [
    'signed by a stranger in our name',
    second({ ...EDDSA, make: (input) => sign(null, input, stranger.privateKey) }),
    [1],
  ],
  ['key not in the set', second({ ...EDDSA, header: { ...EDDSA.header, kid: 'NOBODY' } }), [1]],
  ['no kid', second({ ...EDDSA, header: { alg: 'EdDSA', typ: EDDSA.header.typ } }), [1]],
  ['kid of a key of another algorithm', second({ ...EDDSA, header: { ...EDDSA.header, kid: 'TEST-PS256' } }), [1]],
  ['an access token in place of a receipt', second({ ...EDDSA, header: { ...EDDSA.header, typ: 'at+jwt' } }), [1]],
  ['no typ', second({ ...EDDSA, header: { alg: 'EdDSA', kid: 'TEST-ED25519' } }), [1]],
  ['algorithm none', second({ header: { ...EDDSA.header, alg: 'none' }, make: () => Buffer.alloc(0) }), [1]],
  [
    'HMAC under the public key',
    second({
      header: { ...EDDSA.header, alg: 'HS256' },
      make: (input) => createHmac('sha256', publicPem).update(input).digest(),
    }),
    [1],
  ],
  [
    'RS256 by a key of the set',
    second({ header: { ...PS256.header, alg: 'RS256' }, make: (input) => sign('sha256', input, rsa.privateKey) }),
    [1],
  ],
  ['critical header that nobody knows', second({ ...EDDSA, header: { ...EDDSA.header, crit: ['x'], x: 1 } }), [1]],
  ['not a JWS', replaced(1, () => 'abc'), [1, 2]],
];

// The destination's own signature within a receipt: what it covers is built here by hand, as protocol 3 says.
const destination = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ALGORITHMS = {
  'rsa-pss-sha512': ['sha512', { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }],
  'rsa-v1_5-sha256': ['sha256', { padding: constants.RSA_PKCS1_PADDING }],
};
const statement = {
  vi: 'Nơi nhận đã ký bằng khóa riêng của mình.',
  en: 'The destination signed with its private key.',
};
const reported = [{ name: part.name, sha256: part.sha256 }];

/** `request` and `proof` of a receipt; `edit` changes what is written down after it was signed. */
function signedBy(
  { privateKey, publicKey },
  { alg = 'rsa-pss-sha512', path, body, covered = {}, by = 'privateKey', edit = () => {} },
) {
  const digest = body && `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
  const [name, query = ''] = path.split('?');
  const names = ['@method', '@path', '@query', ...(digest ? ['content-digest'] : []), ...Object.keys(covered)];
  const values = { '@method': 'POST', '@path': name, '@query': `?${query}`, 'content-digest': digest, ...covered };
  const params = `(${names.map((one) => `"${one}"`).join(' ')});created=1790000000;nonce="n-0123456789abcdef";keyid="AKDEST";alg="${alg}"`;
  const base = [...names.map((one) => `"${one}": ${values[one]}`), `"@signature-params": ${params}`].join('\n');
  const signature = alg.startsWith('hmac')
    ? createHmac('sha256', 'secret').update(base).digest()
    : sign(ALGORITHMS[alg][0], Buffer.from(base), { key: privateKey, ...ALGORITHMS[alg][1] });
  const { kty, n, e } = publicKey.export({ format: 'jwk' });
  const { '@authority': host, ...rest } = covered;
  const headers = { ...rest, ...(host && { host }) };
  const request = {
    method: 'POST',
    path,
    signatureInput: `sig=${params}`,
    signature: `sig=:${signature.toString('base64')}:`,
    ...(digest && { contentDigest: digest }),
    alg,
    keyId: 'AKDEST',
    ...(Object.keys(headers).length > 0 && { headers }),
    publicKey: { kty, n, e },
    ...(body && { body: Buffer.from(body).toString('base64') }),
  };
  edit(request);
  return { request, proof: { by, statement }, detail: { reported } };
}
const confirming = (outcome, parts = reported) => JSON.stringify({ outcome, parts });
const CONFIRM = { path: `/v1/deliveries/${deliveryId}/confirm`, body: confirming('accepted') };
// By UTF-16 code units the first comes first, by code points the second.
const unusual = ['\u{1F4C4}.pdf', '\uFF01.pdf'].map((name) => ({ name, sha256: part.sha256 }));
const READY = { path: `/v1/deliveries/${deliveryId}/ready` };
const MANY = { path: '/v1/deliveries/confirmations', body: '{"confirmations":[]}', by: 'privateKeyDigest' };
const withoutBody = (request) => delete request.body;

const proven = (options, { at = 2, change = () => {} } = {}) =>
  chain({
    change: (claims, index) => {
      if (index !== at) return;
      Object.assign(claims, signedBy(options.keys ?? destination, options));
      change(claims);
    },
  });
const reordered = [
  { name: 'b', sha256: part.sha256 },
  { name: 'a', sha256: part.sha256 },
];
cases.push(
  ['confirmed with RSA-PSS', proven(CONFIRM), []],
  ['confirmed with RSA PKCS #1 v1.5', proven({ ...CONFIRM, alg: 'rsa-v1_5-sha256' }), []],
  [
    'confirmed with RSA, parts by their names in UTF-16 code units whatever their order in the body',
    proven(
      { ...CONFIRM, body: confirming('accepted', unusual.toReversed()) },
      { change: (claims) => (claims.detail.reported = unusual) },
    ),
    [],
  ],
  ['ready, signed with RSA, without a body', proven(READY, { at: 1 }), []],
  ['ready, signed with RSA, with a body', proven({ ...READY, body: '{}' }, { at: 1 }), []],
  [
    'confirmed by a signature that covers more',
    proven({ ...CONFIRM, covered: { '@authority': 'lienthong.example', date: 'today' } }),
    [],
  ],
  [
    'confirmed with the parts in another order than reported',
    proven(
      { ...CONFIRM, body: confirming('accepted', reordered) },
      { change: (claims) => (claims.detail.reported = reordered.toReversed()) },
    ),
    [],
  ],
  ['confirmed among others, of whose body only the digest is here', proven({ ...MANY, edit: withoutBody }), []],
  ['signed with HMAC, and saying so', proven({ ...CONFIRM, alg: 'hmac-sha256', by: 'sharedSecret' }), []],
  ['signed with HMAC, and claiming a private key', proven({ ...CONFIRM, alg: 'hmac-sha256' }), [2]],
  ['signed with RSA, and claiming a shared secret', proven({ ...CONFIRM, by: 'sharedSecret' }), [2]],
  ['a proof without a request', proven(CONFIRM, { change: (claims) => delete claims.request }), [2]],
  ['acceptance of a destination that rejected', proven({ ...CONFIRM, body: confirming('rejected') }), [2]],
  [
    'digests that the destination did not report',
    proven(CONFIRM, { change: (claims) => (claims.detail.reported = []) }),
    [2],
  ],
  [
    'body exchanged after it was signed',
    proven({
      ...CONFIRM,
      edit: (request) => (request.body = Buffer.from(confirming('accepted', [])).toString('base64')),
    }),
    [2],
  ],
  ['body left out', proven({ ...CONFIRM, edit: withoutBody }), [2]],
  [
    'body left out as if it had confirmed others',
    proven({ ...CONFIRM, by: 'privateKeyDigest', edit: withoutBody }),
    [2],
  ],
  [
    'public key of another',
    proven({ ...CONFIRM, edit: (request) => (request.publicKey.n = other.publicKey.export({ format: 'jwk' }).n) }),
    [2],
  ],
  ['public key left out', proven({ ...CONFIRM, edit: (request) => delete request.publicKey }), [2]],
  ['another key named', proven({ ...CONFIRM, edit: (request) => (request.keyId = 'AKOTHER') }), [2]],
  ['confirmation of another delivery', proven({ ...CONFIRM, path: `/v1/deliveries/${packetId}/confirm` }), [2]],
  [
    'path altered after it was signed',
    proven({
      ...CONFIRM,
      path: `/v1/deliveries/${packetId}/confirm`,
      edit: (request) => (request.path = CONFIRM.path),
    }),
    [2],
  ],
  ['readiness in place of a confirmation', proven({ ...READY, body: '{}' }), [2]],
  [
    'a covered header altered',
    proven({ ...CONFIRM, covered: { date: 'today' }, edit: (request) => (request.headers.date = 'tomorrow') }),
    [2],
  ],
  [
    'a covered header left out',
    proven({ ...CONFIRM, covered: { date: 'today' }, edit: (request) => delete request.headers }),
    [2],
  ],
);

const about = {
  what: 'Test vectors of protocol section 8 (receipts). See README.md in this folder.',
  keys: 'FOR TESTS ONLY: the private halves were never kept.',
};
const written = cases.map(([name, receipts, problemsAt]) => ({
  name,
  bundle: { packetId, receipts },
  valid: problemsAt.length === 0,
  problemsAt,
}));
writeFileSync(
  process.argv[2] ?? new URL('receipts.json', import.meta.url),
  `${JSON.stringify({ about, jwks, cases: written }, null, 2)}\n`,
);
console.log(`${cases.length} cases`);
