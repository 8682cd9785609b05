import type { ReceiptClaims, SignatureAlgorithm } from '@lienthong/contracts';

/** Who signed a request that has been verified. */
export interface Caller {
  /** Null: an administrator, who belongs to no system. */
  systemId: string | null;
  accessKey: string;
  /** What the request was signed with: the access key or the session's id. */
  keyId: string;
  sessionId?: string;
  /** `bearer`: nothing was signed, a token was shown. */
  alg: SignatureAlgorithm | 'bearer';
  /** The data types that a bearer token names: nothing of others may be shown. Absent: all. */
  dataTypes?: readonly string[];
  /** Signed with hmac-sha1: until when that is taken. */
  legacyUntil?: Date;
  administrator: boolean;
  /** The request's own signature, the evidence that a receipt carries. */
  request: NonNullable<ReceiptClaims['request']>;
  /** Raw bytes of the body, kept of what an RSA key signed: without them its signature proves only a digest. */
  body?: Buffer;
}

export type SystemCaller = Caller & { systemId: string };

declare module 'http' {
  interface IncomingMessage {
    /** Set by `SignedRequestGuard`. */
    caller?: Caller;
  }
}
