import { createHash, sign } from 'node:crypto';
import type { PlatformKey } from './platform-key';

/** Tells a receipt from the other JWS of the same key, above all from an access token. */
export const RECEIPT_TYPE = 'lienthong-receipt+jwt';

/** @returns a receipt (protocol 8): compact JWS, EdDSA. Synchronous, so that it can be made inside a transaction; jose has no such call. */
export function signReceipt(claims: object, key: PlatformKey): string {
  const header = { alg: 'EdDSA', kid: key.kid, typ: RECEIPT_TYPE };
  const input = `${base64url(header)}.${base64url(claims)}`;
  return `${input}.${sign(null, Buffer.from(input), key.privateKey).toString('base64url')}`;
}

/** @returns base64url SHA-256 of a compact JWS: `prev` of the packet's next receipt. */
export function receiptHash(jws: string): string {
  return createHash('sha256').update(jws).digest('base64url');
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
