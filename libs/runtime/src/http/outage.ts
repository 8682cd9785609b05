import { LienThongError } from '@lienthong/contracts';
import { randomInt } from 'node:crypto';

type Dependency = 'database' | 'queue' | 'storage' | 'network';
interface Outage {
  code: 'unavailable' | 'storage_full';
  what: Dependency;
}

/** Codes of Node for a peer that is away, slow or gone, and for a disk that is full. */
const NETWORK =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT|ESOCKETTIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|UND_ERR_\w*TIMEOUT|UND_ERR_SOCKET)$/;
/**
 * SQLSTATEs that pass (PostgreSQL, Appendix A): 08 connection, 57P0x shutting down, 57014 statement timeout, 53 out of resources,
 * 40 serialisation and deadlock, 55P03 lock timeout, 25006 read only during a failover, 58030 I/O error.
 */
const DATABASE = /^(08\w{3}|57P0[1-5]|57014|53[0-4]00|40001|40P01|55P03|25006|58030)$/;
const DISK_FULL = /^(53100|ENOSPC|EDQUOT)$/;
/** pg and its pool say these things only in words. */
const DATABASE_WORDS =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Cannot use a pool after calling end|Client has encountered a connection error)/i;
/** amqplib. */
const QUEUE_WORDS =
  /^(Channel (ended|closed|closing)|Connection (closed|closing)|Heartbeat timeout|Socket closed abruptly)/i;
/** AWS SDK. */
const STORAGE_NAMES = /^(TimeoutError|NetworkingError|SlowDown|ServiceUnavailable|InternalError|RequestTimeout)$/;

/** @returns the dependency that is away, when that is what the error (or what caused it) says; by its looks, so that no driver must be imported */
export function outageOf(error: unknown, depth = 0): Outage | undefined {
  if (typeof error !== 'object' || error === null || depth > 4) return undefined;
  const { code, name, message, cause, driverError, errors, $metadata } = error as Record<string, unknown>;
  const { httpStatusCode } = ($metadata ?? {}) as { httpStatusCode?: number };

  if (typeof code === 'string') {
    if (code === 'ENOSPC' || code === 'EDQUOT') return { code: 'storage_full', what: 'storage' };
    if (DISK_FULL.test(code)) return { code: 'storage_full', what: 'database' };
    if (DATABASE.test(code)) return { code: 'unavailable', what: 'database' };
    if (NETWORK.test(code)) return { code: 'unavailable', what: 'network' };
  }
  if ($metadata && ((httpStatusCode ?? 0) >= 500 || STORAGE_NAMES.test(String(name))))
    return { code: httpStatusCode === 507 ? 'storage_full' : 'unavailable', what: 'storage' };
  if (typeof message === 'string') {
    if (DATABASE_WORDS.test(message)) return { code: 'unavailable', what: 'database' };
    if (QUEUE_WORDS.test(message)) return { code: 'unavailable', what: 'queue' };
  }
  for (const inner of [driverError, cause, ...(Array.isArray(errors) ? errors : [])]) {
    const outage = outageOf(inner, depth + 1);
    if (outage) return outage;
  }
  return undefined;
}

/** Seconds after which to come back; spread, so that not everyone does at the same moment. */
const retryAfter = () => randomInt(2, 11);

/** @returns what a client is told of an outage */
export const unavailable = ({ code, what }: Outage): LienThongError =>
  code === 'storage_full' ? new LienThongError(code) : new LienThongError(code, { what, retryAfter: retryAfter() });
