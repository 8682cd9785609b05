import { LienThongError, type SignatureAlgorithm } from '@lienthong/contracts';
import type { SigningKey } from '@lienthong/signing';

/** What a system was issued: its access key, and the secret or the RSA private key that signs. */
export interface Credentials {
  accessKey: string;
  secretKey?: string;
  privateKeyPem?: string;
  /** Default `hmac-sha256` with a secret, `rsa-pss-sha512` with a private key. */
  algorithm?: SignatureAlgorithm;
}

/** @throws invalid_configuration when there is nothing to sign with. */
export function signingKeyOf({ accessKey, secretKey, privateKeyPem, algorithm }: Credentials): SigningKey {
  if (!accessKey) throw new LienThongError('invalid_configuration', { why: 'accessKey' });
  if (!secretKey && !privateKeyPem)
    throw new LienThongError('invalid_configuration', { why: 'secretKey | privateKeyPem' });
  const alg = algorithm ?? (privateKeyPem ? 'rsa-pss-sha512' : 'hmac-sha256');
  return alg.startsWith('rsa')
    ? { keyId: accessKey, alg, privateKeyPem }
    : { keyId: accessKey, alg, secret: secretKey };
}
