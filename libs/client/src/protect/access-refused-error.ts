/** A request that is not let in. Nest and Express both answer an error of this shape (that of `http-errors`) with its `statusCode`. */
export class AccessRefusedError extends Error {
  override readonly name = 'AccessRefusedError';
  readonly status: number;
  /** Whether its message may be told. */
  readonly expose: boolean;

  /**
   * @param statusCode 401: who calls is not known; 403: known, and not allowed; 408, 413, 500, 503: not decided
   * @param code `invalid_token`, `replayed_request`, `signature_invalid` … as in protocol 3 and 4
   */
  constructor(
    readonly statusCode: 401 | 403 | 408 | 413 | 500 | 503,
    readonly code: string,
  ) {
    super(`Access refused: ${code}`);
    this.status = statusCode;
    this.expose = statusCode < 500;
  }
}
