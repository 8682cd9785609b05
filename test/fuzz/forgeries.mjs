import {
  constants,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  privateEncrypt,
  sign,
} from 'node:crypto';
import { ALGORITHMS, parseSignature, SIGNERS } from './world.mjs';

const pair = (modulusLength, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey;
/** Keys of an attacker. They differ from run to run; whether a mutant is refused does not depend on them. */
const STRANGERS = [pair(2048), pair(2048, 3), pair(1024), pair(3072)];

const DIGEST_INFO = {
  sha1: Buffer.from('3021300906052b0e03021a05000414', 'hex'),
  sha256: Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  sha512: Buffer.from('3051300d060960864801650304020305000440', 'hex'),
  /** Without the NULL of the algorithm's parameters. */
  noNull: Buffer.from('302f300b0609608648016503040201 0420'.replace(' ', ''), 'hex'),
  /** Length octets in the long form of BER. */
  longForm: Buffer.from('308131300d060960864801650304020105000420', 'hex'),
  /** Parameters that are not NULL. */
  garbage: Buffer.from('3033300f0609608648016503040201050200000420', 'hex'),
};

/** Blocks of PKCS #1 v1.5 that careless checks take for a right one (Bleichenbacher 2006, BERserk). Made with the real private key, so that only the form is wrong. */
function paddings(random, base, bytes) {
  const digest = (hash) => createHash(hash).update(base).digest();
  const info = random.of([
    Buffer.concat([DIGEST_INFO.sha1, digest('sha1')]),
    Buffer.concat([DIGEST_INFO.sha512, digest('sha512')]),
    Buffer.concat([DIGEST_INFO.noNull, digest('sha256')]),
    Buffer.concat([DIGEST_INFO.longForm, digest('sha256')]),
    Buffer.concat([DIGEST_INFO.garbage, digest('sha256')]),
    digest('sha256'),
  ]);
  const good = Buffer.concat([DIGEST_INFO.sha256, digest('sha256')]);
  const block = (type, filler, tail) =>
    Buffer.concat([
      Buffer.from([0, type]),
      Buffer.alloc(Math.max(0, bytes - 3 - tail.length), filler),
      Buffer.from([0]),
      tail,
    ]);
  return random.of([
    () => block(1, 0xff, info),
    () => block(2, 0xff, good),
    () => block(1, 0xfe, good),
    () => block(0, 0x00, good),
    // Garbage behind the digest, the filler shortened to eight bytes.
    () =>
      Buffer.concat([
        Buffer.from([0, 1]),
        Buffer.alloc(8, 0xff),
        Buffer.from([0]),
        good,
        random.bytes(bytes - 11 - good.length),
      ]),
    () => Buffer.concat([Buffer.from([0, 1]), Buffer.from([0]), good, Buffer.alloc(bytes - 3 - good.length)]),
    () => Buffer.concat([Buffer.alloc(bytes - good.length), good]),
  ])();
}

function rsaForgery(random, alg, { privateKeyPem, publicKeyPem }, base, right) {
  const key = createPrivateKey(privateKeyPem);
  const bytes = 256;
  const pss = (hash, saltLength, by = key) =>
    sign(hash, Buffer.from(base), { key: by, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
  const v15 = (hash, by = key) => sign(hash, Buffer.from(base), { key: by, padding: constants.RSA_PKCS1_PADDING });
  const isPss = alg === 'rsa-pss-sha512';
  return random.of([
    // The right key with other parameters than the algorithm fixes.
    () =>
      isPss
        ? pss('sha512', random.of([0, 1, 20, 32, 63, 65, constants.RSA_PSS_SALTLEN_MAX_SIGN]))
        : v15(random.of(['sha1', 'sha512', 'sha384'])),
    () =>
      isPss ? pss(random.of(['sha256', 'sha384', 'sha1']), random.of([0, 32, 64])) : pss('sha256', random.of([0, 32])),
    () => (isPss ? v15(random.of(['sha256', 'sha512'])) : pss('sha512', 64)),
    () => privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, paddings(random, base, bytes)),
    // Another key, also short ones and with e = 3.
    () => {
      const by = random.of(STRANGERS);
      const fits = isPss && by.asymmetricKeyDetails.modulusLength > 1100;
      return fits ? pss('sha512', 64, by) : v15('sha256', by);
    },
    // e = 3: the cube root of a block that begins right.
    () =>
      cubeRoot(
        Buffer.concat([
          Buffer.from([0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]),
          DIGEST_INFO.sha256,
          createHash('sha256').update(base).digest(),
          Buffer.alloc(bytes - 62),
        ]),
        bytes,
      ),
    // The same number modulo n, one longer than n; zeros before it.
    () => plusModulus(right, publicKeyPem),
    () => Buffer.concat([Buffer.alloc(1 + random.below(3)), right]),
    () => Buffer.from([random.below(3)]),
    () => numberOf(publicKeyPem).toString(16).length && toBytes(numberOf(publicKeyPem) - 1n, bytes),
    // The public key as the secret of an HMAC.
    () =>
      createHmac(
        random.of(['sha256', 'sha1']),
        random.of([
          publicKeyPem,
          publicKeyPem.trim(),
          createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' }),
          '',
        ]),
      )
        .update(base)
        .digest(),
  ])();
}

function hmacForgery(random, { secret }, base) {
  const { secret: another } = random.of(SIGNERS.filter((signer) => signer.secret && signer.secret !== secret));
  const wrong = random.of([
    '',
    Buffer.from(secret, 'base64url'),
    Buffer.from(`${secret}\n`),
    Buffer.from(`${secret} `),
    secret.slice(0, -1),
    secret.toUpperCase(),
    Buffer.from(secret, 'utf16le'),
    another,
    'nobody has this key',
    random.text(43),
  ]);
  return random.of([
    () => createHmac('sha256', wrong).update(base).digest(),
    () => createHmac('sha1', wrong).update(base).digest(),
    () => createHmac('sha512', secret).update(base).digest(),
    () => createHmac('sha512', secret).update(base).digest().subarray(0, 32),
    () =>
      createHash('sha256')
        .update(secret + base)
        .digest(),
    () => createHash('sha256').update(base).digest(),
    () => createHmac('sha256', base).update(secret).digest(),
    // The right secret over a text that is nearly the one.
    () =>
      createHmac('sha256', secret)
        .update(
          random.of([
            `${base}\n`,
            base.toLowerCase(),
            base.replaceAll('\n', '\r\n'),
            base.split('\n').slice(0, -1).join('\n'),
            base.replace('"@query": ?', '"@query": '),
          ]),
        )
        .digest(),
  ])();
}

/** Replaces the signature by one that was made with something else than key and algorithm ask for; sometimes says so in `alg`. */
export function RESIGNED(request, random, { setHeader, setSignature }) {
  const { signer } = request;
  if (random.chance(0.2))
    setHeader(request, 'signature-input', (input) => input.replace(/alg="[^"]*"/, `alg="${random.of(ALGORITHMS)}"`));
  let read;
  try {
    read = parseSignature(request);
  } catch {
    return; // an earlier mutation left nothing that could be signed
  }
  const made =
    signer.secret === undefined
      ? rsaForgery(random, signer.alg, signer, read.base, read.signature)
      : hmacForgery(random, signer, read.base);
  setSignature(request, () => Buffer.from(made).toString('base64'));
}

const numberOf = (publicKeyPem) =>
  BigInt(`0x${Buffer.from(createPublicKey(publicKeyPem).export({ format: 'jwk' }).n, 'base64url').toString('hex')}`);
const toBytes = (number, bytes) => Buffer.from(number.toString(16).padStart(bytes * 2, '0'), 'hex');

function plusModulus(signature, publicKeyPem) {
  const sum = BigInt(`0x${signature.toString('hex') || '0'}`) + numberOf(publicKeyPem);
  const hex = sum.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
}

function cubeRoot(block, bytes) {
  const wanted = BigInt(`0x${block.toString('hex')}`);
  let [low, high] = [0n, 1n << 700n];
  while (low < high) {
    const middle = (low + high) >> 1n;
    if (middle ** 3n < wanted) low = middle + 1n;
    else high = middle;
  }
  return toBytes(low, bytes);
}
