/** Those codes of protocol 3 that need no knowledge of any key. */
export type SignatureErrorCode =
  | 'signature_missing'
  | 'signature_malformed'
  | 'signature_incomplete'
  | 'digest_mismatch'
  | 'algorithm_not_allowed'
  | 'clock_skew';

/**
 * A request cannot be signed, or its signature cannot be accepted. `params` are those of the same code in the project's error table:
 * `why`, `missing`, `alg` and `allowed`, or `window` (s) and `serverTime` (RFC 3339).
 */
export class SignatureError extends Error {
  constructor(
    readonly code: SignatureErrorCode,
    readonly params: Record<string, string | number> = {},
  ) {
    super([code, ...Object.values(params)].join(': '));
    this.name = 'SignatureError';
  }
}

export const malformed = (why: string): SignatureError => new SignatureError('signature_malformed', { why });
