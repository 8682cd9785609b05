import { createPublicKey } from 'node:crypto';

const MIN_BITS = 2048;
/** Work grows with the square of the length; nobody needs more, and a longer key would be a way to keep the server busy. */
const MAX_BITS = 8192;
/** Below, signatures can be forged against careless padding checks (Bleichenbacher 2006). */
const MIN_EXPONENT = 65_537n;
/** OpenSSL's own bound for long keys: a huge exponent makes each verification slow. */
const MAX_EXPONENT = 2n ** 64n;

/**
 * @returns why an RSA public key must not be registered, in English; null when it may. It must be one SPKI PEM block, rsaEncryption, of 2048 to
 * 8192 bits, with an odd exponent of at least 65537 and below 2^64.
 */
export function weaknessOf(publicKeyPem: string): string | null {
  if (/PRIVATE KEY/.test(publicKeyPem)) {
    return 'this is a private key: keep it secret, make a new pair and send only the public key';
  }
  if (!/^\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/.test(publicKeyPem)) {
    return 'not one PEM block of the form BEGIN PUBLIC KEY (SPKI)';
  }
  let key;
  try {
    key = createPublicKey({ key: publicKeyPem, format: 'pem' });
  } catch {
    return 'the PEM block does not hold a public key';
  }
  if (key.asymmetricKeyType !== 'rsa') return `an RSA key (rsaEncryption) is needed, this is ${key.asymmetricKeyType}`;
  const { modulusLength: bits = 0, publicExponent: exponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (bits < MIN_BITS) return `the key has ${bits} bits, at least ${MIN_BITS} are needed`;
  if (bits > MAX_BITS) return `the key has ${bits} bits, at most ${MAX_BITS} are taken`;
  if (exponent < MIN_EXPONENT || exponent >= MAX_EXPONENT || exponent % 2n === 0n) {
    return `the public exponent must be odd, at least ${MIN_EXPONENT} and below 2^64; use ${MIN_EXPONENT}`;
  }
  return null;
}
