import type { SignatureAlgorithm } from '../algorithms';

/** A request as its sender would send it: either `http`, or `method`, `target` and `headers` with the body or its digest. Unsigned. */
export interface SignatureCheck {
  /** The request as text of HTTP/1.1: request line, headers, empty line, body. */
  http?: string;
  method?: string;
  /** Path and query, exactly as sent. */
  target?: string;
  /** A list of values for a header that is sent more than once. */
  headers?: Record<string, string | string[]>;
  /** Standard base64. */
  body?: string;
  /** In place of the body: its SHA-256, standard base64. */
  bodySha256?: string;
  /** The canonical text that the client signed, to be compared. */
  signatureBase?: string;
}

/**
 * What an unsigned caller may learn of a key, which any refused request tells as well: whether it is on record, and whether it takes the algorithm. Not whether it
 * was revoked or has expired, whose it is, or whether the signature is right: that is told to who proves to have it, by sending the request.
 */
export type CheckedKey = 'known' | 'unknown' | 'algorithmNotAllowed' | 'notLookedUp';

export interface SignatureCheckAnswer {
  serverTime: string;
  /** What the platform would verify; null when the headers of the signature cannot be read. */
  signatureBase: string | null;
  keyId: string | null;
  algorithm: SignatureAlgorithm | null;
  /** `created` less the platform's time. */
  clockSkewSeconds: number | null;
  key: CheckedKey;
  /** The first check that fails, of all but those that need the secret or the nonce; null when there is none. */
  failed: { code: string; title: string; detail: string } | null;
  /** Where the client's text parts from the platform's; null when they are equal or none was given. `offset` in bytes, `line` from 1. */
  difference: { offset: number; line: number; expected: string; given: string } | null;
  /** What to do next, in the language of the request. */
  nextStep: string;
}
