// Writes signatures.json, with the cases of signature-cases.mjs. It shares no code with libs/signing, so that the two check each other. Keys are kept from the file that is there;
// RSA-PSS signatures are salted and differ from run to run. Another file to write may be named, for comparing.
import { constants, createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { addCases } from './signature-cases.mjs';

const file = new URL('signatures.json', import.meta.url);
const old = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;

const pems = (type, options) => {
  const { privateKey, publicKey } = generateKeyPairSync(type, options);
  return {
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }),
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
};
const rsa2048 = () => pems('rsa', { modulusLength: 2048 });

const keys = old?.keys ?? {
  'TEST-HMAC': { alg: 'hmac-sha256', secret: 'c2VjcmV0LWtleS1mb3ItZG9jcy1vbmx5LTMyYnl0ZXM' },
  'TEST-SHA1': { alg: 'hmac-sha1', secret: 'bm90LXRoZS1zYW1lLXNlY3JldC1hcy1mb3ItU0hBMjU2' },
  'TEST-PSS': { alg: 'rsa-pss-sha512', ...rsa2048() },
  'TEST-V15': { alg: 'rsa-v1_5-sha256', ...rsa2048() },
  'TEST-V15-3072': { alg: 'rsa-v1_5-sha256', ...pems('rsa', { modulusLength: 3072 }) },
};
const refusedKeys = old?.refusedKeys ?? {
  'RSA of 1024 bits': pems('rsa', { modulusLength: 1024 }).publicKeyPem,
  'RSA with exponent 3': pems('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKeyPem,
  'RSA restricted to PSS (id-RSASSA-PSS)': pems('rsa-pss', { modulusLength: 2048 }).publicKeyPem,
  'elliptic curve': pems('ec', { namedCurve: 'P-256' }).publicKeyPem,
  Ed25519: pems('ed25519').publicKeyPem,
  'private key': keys['TEST-PSS'].privateKeyPem,
  'not a key': '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
};

const now = 1_790_000_000;
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 };
const make = {
  'hmac-sha256': (base, key) => createHmac('sha256', key.secret).update(base).digest(),
  'hmac-sha1': (base, key) => createHmac('sha1', key.secret).update(base).digest(),
  'rsa-pss-sha512': (base, key, padding = pss) =>
    sign('sha512', Buffer.from(base), { key: key.privateKeyPem, ...padding }),
  'rsa-v1_5-sha256': (base, key) => sign('sha256', Buffer.from(base), key.privateKeyPem),
};
const digest = (body, name = 'sha-256') =>
  `${name}=:${createHash(name.replace('-', '')).update(body).digest('base64')}:`;
const get = (headers, name) => headers.find(([header]) => header.toLowerCase() === name)?.[1];

function baseOf({ method, target, headers }, covered, params) {
  const mark = target.indexOf('?');
  const derived = {
    '@method': method,
    '@request-target': target,
    '@path': mark < 0 ? target : target.slice(0, mark),
    '@query': mark < 0 ? '?' : target.slice(mark),
    '@authority': get(headers, 'host')?.toLowerCase(),
  };
  return [
    ...covered.map((name) => `"${name}": ${derived[name] ?? get(headers, name.toLowerCase())?.trim() ?? ''}`),
    `"@signature-params": ${params}`,
  ].join('\n');
}

const cases = [];
/** One case: a request signed as `shape` says, then changed by `change(request, parts)`. */
function add(keyId, name, expect, shape = {}, change = () => {}) {
  const key = keys[keyId];
  const {
    method = 'GET',
    target = '/v1/deliveries',
    body = null,
    cover = [],
    created = now,
    alg = key.alg,
    by = key,
    as = keyId,
  } = shape;
  const headers = [['Host', 'Lienthong.Example'], ...(shape.headers ?? []).map((header) => [...header])];
  if (body !== null) headers.push(['Content-Digest', shape.digest ?? digest(body)]);
  const covered = shape.covered ?? [
    '@method',
    '@path',
    '@query',
    ...(body === null ? [] : ['content-digest']),
    ...cover,
  ];
  const list = shape.list ?? `(${covered.map((c) => `"${c}"`).join(' ')})`;
  const request = { method, target, headers, body };
  for (let n = 0; ; n++) {
    const nonce = `n-${createHash('sha256').update(`${keyId} ${name} ${n}`).digest('hex').slice(0, 22)}`;
    const params =
      list + (shape.params ?? ((p) => p))(`;created=${created};nonce="${nonce}";keyid="${as}";alg="${alg}"`);
    const base = baseOf(request, covered, params);
    const signature = (shape.make ?? make[alg])(base, by, shape.padding);
    const text = signature.toString('base64');
    // Some encodings only differ when the signature has a + or /.
    if (shape.until && !shape.until.test(text)) continue;
    const parts = { input: `sig=${params}`, signature: `sig=:${text}:`, bytes: signature };
    const changed = {
      ...request,
      headers: [
        ...headers.map((header) => [...header]),
        ['Signature-Input', parts.input],
        ['Signature', parts.signature],
      ],
    };
    change(changed, parts);
    cases.push({
      name: `${key.alg}: ${name}`,
      key: keyId,
      ...(expect === 'ok' && !shape.params && !shape.digest ? { sign: { created, nonce, cover } } : {}),
      request: { ...changed, body: changed.body === null ? null : Buffer.from(changed.body).toString('base64') },
      now: shape.now ?? now,
      expect,
      ...(['ok', 'signature_invalid'].includes(expect)
        ? { base: baseOf(changed, covered, get(changed.headers, 'signature-input').slice(4)) }
        : {}),
    });
    return;
  }
}

addCases({ add, keys, make, digest, get, now, pss });

const about = {
  what: 'Test vectors of protocol section 3 (RFC 9421, RFC 9530). See README.md in this folder.',
  keys: 'FOR TESTS ONLY: these keys are public and must never be registered anywhere.',
};
writeFileSync(
  process.argv[2] ?? file,
  `${JSON.stringify({ about, windowSeconds: 300, keys, refusedKeys, cases }, null, 2)}\n`,
);
console.log(`${cases.length} cases, ${cases.filter(({ expect }) => expect === 'ok').length} of them good`);
