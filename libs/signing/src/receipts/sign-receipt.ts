import { createHash } from 'node:crypto';
import { signJws } from './compact-jws';
import type { PlatformKey } from './platform-key';

/** Tells a receipt from the other JWS of the same key, above all from an access token. */
export const RECEIPT_TYPE = 'lienthong-receipt+jwt';

/** @returns a receipt (protocol 8): compact JWS, EdDSA. */
export const signReceipt = (claims: object, key: PlatformKey): string => signJws(claims, RECEIPT_TYPE, key);

/** @returns base64url SHA-256 of a compact JWS: `prev` of the packet's next receipt. */
export function receiptHash(jws: string): string {
  return createHash('sha256').update(jws).digest('base64url');
}
