import { constants, createHmac, createPublicKey, sign, timingSafeEqual, verify, type KeyObject } from 'node:crypto';

/** Protocol 3. `hmac-sha1` is not in RFC 9421: our extension for old systems, which only an administrator can allow for a key. */
export const signatureAlgorithmNames = ['hmac-sha256', 'rsa-pss-sha512', 'rsa-v1_5-sha256', 'hmac-sha1'] as const;
export type Algorithm = (typeof signatureAlgorithmNames)[number];

export const isAlgorithm = (name: string): name is Algorithm =>
  (signatureAlgorithmNames as readonly string[]).includes(name);

type HmacAlgorithm = Extract<Algorithm, `hmac-${string}`>;
type RsaAlgorithm = Extract<Algorithm, `rsa-${string}`>;

const isHmac = (alg: Algorithm): alg is HmacAlgorithm => alg === 'hmac-sha256' || alg === 'hmac-sha1';

const HMAC_HASH: Record<HmacAlgorithm, string> = { 'hmac-sha256': 'sha256', 'hmac-sha1': 'sha1' };

/** RFC 9421 3.3.1 fixes the salt at 64 bytes; without `saltLength` OpenSSL signs with the longest and verifies any, even none. */
const RSA: Record<RsaAlgorithm, { hash: string; padding: number; saltLength?: number }> = {
  'rsa-pss-sha512': { hash: 'sha512', padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 },
  'rsa-v1_5-sha256': { hash: 'sha256', padding: constants.RSA_PKCS1_PADDING },
};

/** A public key whose private half was never kept: nothing verifies under it. 2048 bits, the size most clients have. */
const NOBODY_PEM = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4l1WG4QUuYMK5oFnWcUo
5CoIqzV7UsFztq7+qeKr4E/5p7G9453j6E/ugkbFtfDsumESrT4uhVIO2kPHp2wo
tF6hC5FJqp+/a0kvNd4lkX15ggHkGAZZ2qA8nJ6C/OS53f3CKPH8VcccQo28H5S5
o8EgCaUONgp7FRpoRb9HqXfJFe1GezQAsskF8x0EIpyHYJ9FW7L/nV1aQJZ9BSCE
AkOFvG3rcCLNVQyCE/TaiDKyIqwGnOl4ESK5+XWrMpsyGXbpAjS0Ot3kkHFk70kr
rQ6MUcMW6wjeatSQwV0m3EEVMOnEZgf+K2JmGIJ6Jze46HqfMFtcm+9G1/Cf4xf5
uwIDAQAB
-----END PUBLIC KEY-----`;
const NOBODY = createPublicKey(NOBODY_PEM);

export type VerificationKey = { secret: string } | { publicKeyPem: string } | { publicKey: KeyObject };

export function makeHmac(alg: HmacAlgorithm, secret: string | Buffer, base: string): Buffer {
  return createHmac(HMAC_HASH[alg], secret).update(base).digest();
}

/** @returns the signature of a base; undefined when the key has not what the algorithm needs (an empty secret is none). */
export function makeSignature(
  alg: Algorithm,
  key: { secret?: string; privateKeyPem?: string },
  base: string,
): Buffer | undefined {
  if (isHmac(alg)) return key.secret ? makeHmac(alg, key.secret, base) : undefined;
  if (!key.privateKeyPem) return undefined;
  const { hash, ...padding } = RSA[alg];
  return sign(hash, Buffer.from(base), { key: key.privateKeyPem, ...padding });
}

/**
 * Whether a signature fits its base, in time that does not depend on where they differ. `alg` must be one of the key's own (the caller has
 * checked); a key of the other family never verifies, so that a public key is never an HMAC secret.
 * An HMAC secret is the UTF-8 bytes of its text, an RSA key an SPKI PEM. Throws only for a PEM that cannot be read. Servers keep the `KeyObject`:
 * a PEM is parsed anew by each call, five times the work of verifying.
 */
export function verifySignature(alg: Algorithm, key: VerificationKey, base: string, signature: Buffer): boolean {
  if (isHmac(alg)) return 'secret' in key && key.secret !== '' && verifyHmac(alg, key.secret, base, signature);
  if ('secret' in key) return false;
  return verifyRsa(alg, 'publicKey' in key ? key.publicKey : createPublicKey(key.publicKeyPem), base, signature);
}

/**
 * The cost of {@link verifySignature} without a key: an unknown key must take as long as a wrong signature (protocol 3). A PEM is parsed for its time alone: a wrong
 * signature has its key looked up again, and that one's PEM is parsed with it.
 */
export function verifyAgainstNothing(alg: Algorithm, base: string, signature: Buffer): false {
  if (isHmac(alg)) verifyHmac(alg, 'nobody has this key', base, signature);
  else {
    createPublicKey(NOBODY_PEM);
    verifyRsa(alg, NOBODY, base, signature);
  }
  return false;
}

function verifyHmac(alg: HmacAlgorithm, secret: string, base: string, signature: Buffer): boolean {
  const expected = makeHmac(alg, secret, base);
  return expected.length === signature.length && timingSafeEqual(expected, signature);
}

function verifyRsa(alg: RsaAlgorithm, key: KeyObject, base: string, signature: Buffer): boolean {
  const { modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== 'rsa' || modulusLength === undefined) return false;
  const bytes = Math.ceil(modulusLength / 8);
  // Another length is refused, but only after the work: else its quick answer would tell a known key from an unknown one.
  const rightLength = signature.length === bytes;
  const { hash, ...padding } = RSA[alg];
  const fits = verify(hash, Buffer.from(base), { key, ...padding }, rightLength ? signature : Buffer.alloc(bytes));
  return rightLength && fits;
}
