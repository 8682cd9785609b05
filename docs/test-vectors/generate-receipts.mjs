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
