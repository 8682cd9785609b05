import { jwtVerify } from 'jose';
import type { KeyObject } from 'node:crypto';

/** An assertion lives five minutes at most: so long is its `jti` remembered. */
const SECONDS = 300;

/**
 * Verifies a client's `private_key_jwt` (RFC 7523, OpenID Connect Core 9).
 * @param algorithms JOSE names that the key was registered for: PS512, RS256
 * @param audience what `aud` may be: the issuer or the token endpoint
 * @returns `jti` and end (Unix seconds), to be used once; undefined when it is not the client's, or not in force
 */
export async function verifyAssertion(
  assertion: string,
  {
    publicKey,
    algorithms,
    clientId,
    audience,
  }: { publicKey: KeyObject; algorithms: string[]; clientId: string; audience: string[] },
): Promise<{ jti: string; exp: number } | undefined> {
  const options = {
    issuer: clientId,
    subject: clientId,
    audience,
    algorithms,
    requiredClaims: ['jti', 'exp'],
    clockTolerance: 30,
  };
  const verified = await jwtVerify(assertion, publicKey, options).catch(() => undefined);
  const { jti, exp = Infinity } = verified?.payload ?? {};
  return typeof jti === 'string' && jti !== '' && exp <= Date.now() / 1000 + SECONDS + 30 ? { jti, exp } : undefined;
}
