import { jwtVerify, SignJWT } from 'jose';
import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';

/** An assertion lives five minutes at most: so long is its `jti` remembered. */
const SECONDS = 300;

/** Of a new assertion, which is used at once. */
const FRESH_SECONDS = 60;

/** JOSE's names of the algorithms that keys are issued for. */
export const JOSE_ALGORITHMS: Partial<Record<string, 'PS512' | 'RS256'>> = {
  'rsa-pss-sha512': 'PS512',
  'rsa-v1_5-sha256': 'RS256',
};

/**
 * A client's `private_key_jwt` (RFC 7523), good once, for a minute.
 * @param alg PS512 or RS256 @param audience the issuer of the platform, or its token endpoint
 */
export function signAssertion({
  clientId,
  audience,
  alg,
  privateKeyPem,
}: {
  clientId: string;
  audience: string;
  alg: string;
  privateKeyPem: string;
}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(now + FRESH_SECONDS)
    .sign(createPrivateKey(privateKeyPem));
}

/**
 * Verifies a client's `private_key_jwt` (RFC 7523, OpenID Connect Core 9).
 * @param algorithms JOSE names that the key was registered for: PS512, RS256
 * @param audience what `aud` may be: the issuer or the token endpoint
 * @param now milliseconds
 * @returns `jti` and end (Unix seconds), to be used once; undefined when it is not the client's, or not in force
 */
export async function verifyAssertion(
  assertion: string,
  {
    publicKey,
    algorithms,
    clientId,
    audience,
    now,
  }: { publicKey: KeyObject; algorithms: string[]; clientId: string; audience: string[]; now: number },
): Promise<{ jti: string; exp: number } | undefined> {
  const options = {
    issuer: clientId,
    subject: clientId,
    audience,
    algorithms,
    requiredClaims: ['jti', 'exp'],
    clockTolerance: 30,
    currentDate: new Date(now),
  };
  const verified = await jwtVerify(assertion, publicKey, options).catch(() => undefined);
  const { jti, exp = Infinity } = verified?.payload ?? {};
  return typeof jti === 'string' && jti !== '' && exp <= now / 1000 + SECONDS + 30 ? { jti, exp } : undefined;
}
