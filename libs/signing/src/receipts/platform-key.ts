import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** The key by which the platform signs receipts and access tokens: Ed25519. */
export interface PlatformKey {
  kid: string;
  privateKey: KeyObject;
}

/** @returns a new Ed25519 key: PKCS #8 PEM to keep secret, JWK to publish; `kid` is the thumbprint of RFC 7638. */
export function newPlatformKey(): { kid: string; privatePem: string; publicJwk: Record<string, string> } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { kty = '', crv = '', x = '' } = publicKey.export({ format: 'jwk' });
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
  return {
    kid,
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicJwk: { kty, crv, x, kid, alg: 'EdDSA', use: 'sig' },
  };
}

/** @throws Error when the PEM is not an Ed25519 private key. */
export function platformKeyOf(kid: string, privatePem: string): PlatformKey {
  const privateKey = createPrivateKey(privatePem);
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw new Error(`the platform key must be Ed25519, this is ${privateKey.asymmetricKeyType}`);
  }
  return { kid, privateKey };
}
