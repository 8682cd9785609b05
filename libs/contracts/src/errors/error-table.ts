import type { ErrorEntry } from './error-entry';
import { EXCHANGE_ERRORS } from './exchange-errors';
import { REQUEST_ERRORS } from './request-errors';
import { SIGNATURE_ERRORS } from './signature-errors';

/** The one table of errors: code, HTTP status, texts (protocol 1). The code never changes; texts may. */
export const ERRORS = { ...REQUEST_ERRORS, ...SIGNATURE_ERRORS, ...EXCHANGE_ERRORS } satisfies Record<
  string,
  ErrorEntry
>;

export type ErrorCode = keyof typeof ERRORS;
export type Language = 'vi' | 'en';
