import type { Part } from './packet';

export const RECEIPT_EVENTS = [
  'packet.accepted',
  'packet.refused',
  'packet.recalled',
  'packet.expired',
  'delivery.ready',
  'delivery.accepted',
  'delivery.rejected',
  'delivery.undeliverable',
  'delivery.recalled',
  'packet.purged',
] as const;
export type ReceiptEvent = (typeof RECEIPT_EVENTS)[number];

/** Claims of a receipt, a compact JWS (protocol 8). `prev`: base64url SHA-256 of the packet's previous receipt, null on the first. */
export interface ReceiptClaims {
  iss: string;
  jti: string;
  iat: number;
  packetId: string;
  event: ReceiptEvent;
  from: string;
  to: string[];
  parts: Pick<Part, 'name' | 'size' | 'sha256'>[];
  prev: string | null;
  deliveryId?: string;
  /** The destination's own signed request: what it proves depends on `alg` (an HMAC can be made by the platform too). */
  request?: {
    method: string;
    path: string;
    signatureInput: string;
    signature: string;
    contentDigest?: string;
    alg: string;
    keyId: string;
  };
  detail?: Record<string, unknown>;
}

export interface ReceiptBundle {
  packetId: string;
  receipts: { event: ReceiptEvent; at: string; deliveryId?: string; jws: string }[];
}
