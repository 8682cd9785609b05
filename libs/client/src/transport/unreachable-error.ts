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

/** By their members, not by `instanceof`: errors of Node itself are of another realm where code runs in a VM, as in Jest. */
function reasonOf(cause: unknown): string {
  const { code, message } = cause as Partial<NodeJS.ErrnoException>;
  return code ?? message ?? String(cause);
}

export function isAbort(error: unknown): boolean {
  const { name, code } = error as Partial<NodeJS.ErrnoException>;
  return name === 'AbortError' || code === 'ABORT_ERR';
}
