import { sign } from 'node:crypto';
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type { PlatformKey } from './platform-key';

export type KeySet = ReturnType<typeof createLocalJWKSet>;

/** @throws Error for a JWKS that is none */
export const keySetOf = (jwks: { keys: object[] }): KeySet => createLocalJWKSet(jwks as JSONWebKeySet);

/** @returns a compact JWS, EdDSA. Synchronous, so that it can be made inside a transaction; jose has no such call. */
export function signJws(claims: object, type: string, key: PlatformKey): string {
  const header = { alg: 'EdDSA', kid: key.kid, typ: type };
  const input = `${base64url(header)}.${base64url(claims)}`;
  return `${input}.${sign(null, Buffer.from(input), key.privateKey).toString('base64url')}`;
}

/** Base64url has several texts for the same bytes; one of them was signed and hashed. */
export function isCanonicalJws(jws: string): boolean {
  const segments = jws.split('.');
  return (
    segments.length === 3 &&
    segments.every((segment) => segment !== '' && Buffer.from(segment, 'base64url').toString('base64url') === segment)
  );
}

/**
 * @param type `typ` that it must have: it tells what the same key signs for other ends
 * @returns the claims
 * @throws Error in one phrase
 */
export async function verifyJws(jws: string, type: string, keys: KeySet): Promise<Record<string, unknown>> {
  const { payload, protectedHeader } = await compactVerify(
    jws,
    (header, token) => {
      // Without a kid jose would take the only key that fits the algorithm.
      if (typeof header?.kid !== 'string') throw new Error('names no key (kid)');
      return keys(header, token);
    },
    { algorithms: ['EdDSA', 'PS256'] },
  );
  if (protectedHeader.typ !== type) throw new Error(`typ is not ${type}`);
  const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
    throw new Error('claims are not an object');
  return claims as Record<string, unknown>;
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
