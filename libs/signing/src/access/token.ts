import { decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { keySetOf } from '../receipts/compact-jws';
import type { PlatformKey } from '../receipts/platform-key';

/** `typ` of a right to call one system's own service (A1–A6). Never to be taken for a receipt or an OAuth token of the same key. */
export const ACCESS_TOKEN = 'lienthong-access+jwt';

/** `typ` of an OAuth 2 access token (RFC 9068): opens routes of the platform itself. */
export const BEARER_TOKEN = 'at+jwt';

/** What every token of the platform says; times in Unix seconds. */
export type TokenClaims = JWTPayload & { iss: string; sub: string; aud: string; jti: string; iat: number; exp: number };

/** @returns a compact JWS, EdDSA */
export const signToken = (claims: TokenClaims, type: string, key: PlatformKey): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: type }).sign(key.privateKey);

/**
 * @param type `typ` that it must have
 * @param now milliseconds; no tolerance, both clocks are the platform's
 * @returns the claims; undefined for whatever is not a token of that type, issuer and audience, signed by one of the keys and in force
 */
export async function verifyToken(
  token: string,
  {
    type,
    issuer,
    audience,
    jwks,
    now,
  }: { type: string; issuer: string; audience: string; jwks: { keys: object[] }; now: number },
): Promise<TokenClaims | undefined> {
  const keys = keySetOf(jwks);
  const verified = await jwtVerify(token, keys, {
    typ: type,
    issuer,
    audience,
    algorithms: ['EdDSA'],
    requiredClaims: ['iss', 'sub', 'aud', 'jti', 'iat', 'exp'],
    currentDate: new Date(now),
  }).catch(() => undefined);
  return typeof verified?.payload.aud === 'string' ? (verified.payload as TokenClaims) : undefined;
}

/** What a token says without proof: by which key it is signed, and who issued it. @returns undefined when it is no JWS */
export function tokenKeyOf(token: string): { kid?: string; issuer?: string } | undefined {
  try {
    return { kid: decodeProtectedHeader(token).kid, issuer: decodeJwt(token).iss };
  } catch {
    return undefined;
  }
}
