import { ERRORS, type ErrorCode, type Language } from './error-table';

export interface FieldError {
  /** JSON pointer (RFC 6901) into the body, or `?name` for the query. */
  pointer: string;
  code: string;
  message: string;
  /** Where a limit was passed: what it is, and what came. */
  limit?: number;
  actual?: number;
}

/** RFC 9457, protocol 1. Further members depend on the code (`limit`, `actual`, `recipients`, `parts`, `state`, `serverTime`). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance?: string;
  code: string;
  errors?: FieldError[];
  [member: string]: unknown;
}

/**
 * The error of the whole project, thrown by servers and by the client library alike. It knows its code and its parameters, nothing of HTTP;
 * `members` go into the problem document as they are.
 */
export class LienThongError extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly params: Record<string, string | number> = {},
    readonly members: Record<string, unknown> = {},
  ) {
    super(fill(ERRORS[code].detail.en, params));
    this.name = 'LienThongError';
  }
}

/** @returns the problem document of an error in the language asked for; `instance` is the request's path. */
export function problemOf(error: LienThongError, language: Language, instance?: string): Problem {
  const { status, title, detail } = ERRORS[error.code];
  return {
    type: `urn:lienthong:error:${error.code}`,
    title: title[language],
    status: statusOf(error),
    detail: fill(detail[language], error.params),
    ...(instance ? { instance } : {}),
    code: wireCode(error),
    ...error.members,
    ...(status === 503 || status === 429 ? { retryAfter: error.params.retryAfter } : {}),
  };
}

export const statusOf = (error: LienThongError): number => ERRORS[error.code].status;

/** Two situations share the wire code `digest_mismatch` (protocol 3 and 6) with different statuses and advice. */
export const wireCode = (error: LienThongError): string =>
  error.code === 'confirmation_mismatch' ? 'digest_mismatch' : error.code;

function fill(text: string, params: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole));
}
