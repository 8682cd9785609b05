import { LienThongError } from '@lienthong/contracts';

const BEFORE_SENDING = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/;

/** No answer came: the connection could not be made, or broke. What became of the request is unknown unless `neverSent`. */
export class UnreachableError extends LienThongError {
  /** The request did not leave this machine: repeating it is safe whatever it was. */
  readonly neverSent: boolean;
  /** Wrong certificate and the like: trying again changes nothing. */
  readonly permanent: boolean;

  constructor(origin: string, cause: unknown) {
    const why = reasonOf(cause);
    super('unreachable', { what: origin, why });
    this.name = 'UnreachableError';
    this.cause = cause;
    this.neverSent = BEFORE_SENDING.has(why);
    this.permanent = CERTIFICATE.test(why);
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException;
  return code ?? cause.message;
}

export const isAbort = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ABORT_ERR');
