import { S3ServiceException } from '@aws-sdk/client-s3';
import { LienThongError } from '@lienthong/contracts';

const FULL = ['XMinioStorageFull', 'QuotaExceeded', 'XMinioAdminBucketQuotaExceeded', 'InsufficientCapacity'];
const BUSY = [
  'SlowDown',
  'SlowDownRead',
  'SlowDownWrite',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'TooManyRequests',
  // A clock is wrong, ours or the store's: it will be set right, and nothing of the request is at fault.
  'RequestTimeTooSkewed',
  // The same, to a HEAD: its answers have no words. That the credentials are wrong the start has found out.
  'Unknown',
];

/** The name and status by which a store refused; `status` 0 when no answer came at all. */
export function refusal(error: unknown): { name: string; status: number } {
  const { name = '', $metadata } = error as Partial<S3ServiceException>;
  return { name, status: $metadata?.httpStatusCode ?? 0 };
}

export const isRefusal = (error: unknown, ...names: string[]): boolean => names.includes(refusal(error).name);

/** The error that the rest of the platform understands, or the same error where it is a fault of the settings or of ours. */
export function storageError(error: unknown): unknown {
  if (error instanceof LienThongError) return error;
  const { name, status } = refusal(error);
  if (FULL.includes(name) || status === 507) return caused(new LienThongError('storage_full'), error);
  const noAnswer = !(error instanceof S3ServiceException) || status === 0;
  if (noAnswer || status >= 500 || status === 429 || BUSY.includes(name))
    return caused(new LienThongError('unavailable', { what: 'storage', retryAfter: 5 }), error);
  return error;
}

const caused = (error: Error, cause: unknown): Error => Object.assign(error, { cause });
