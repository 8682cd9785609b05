import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from './platform-error';
import { UnreachableError } from './unreachable-error';

export interface RetryLimits {
  /** Tries in all, the first included. */
  attempts: number;
  /** No new try begins later than this after the first, milliseconds. */
  totalMs: number;
  /** First pause, milliseconds; doubles each time up to `maxMs`. */
  baseMs: number;
  maxMs: number;
}

export const RETRY_LIMITS: RetryLimits = { attempts: 6, totalMs: 60_000, baseMs: 250, maxMs: 10_000 };

/**
 * Tries until it succeeds, `retryable` says no, or the limits are reached; then the last error is thrown. Pauses grow exponentially with
 * jitter (half to whole, so that a thousand clients do not come back together) and are never shorter than the `Retry-After` asked for.
 */
export async function withRetries<T>(
  limits: RetryLimits,
  attempt: () => Promise<T>,
  retryable: (error: unknown) => boolean,
  signal?: AbortSignal,
): Promise<T> {
  const started = Date.now();
  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      const pause = Math.max(jittered(limits, tries), retryAfterMs(error));
      const late = Date.now() - started + pause > limits.totalMs;
      if (tries >= limits.attempts || late || !retryable(error)) throw error;
      await sleep(pause, undefined, { signal });
    }
  }
}

export function jittered(limits: Pick<RetryLimits, 'baseMs' | 'maxMs'>, tries: number): number {
  return Math.min(limits.maxMs, limits.baseMs * 2 ** (tries - 1)) * (0.5 + Math.random() / 2);
}

const retryAfterMs = (error: unknown): number =>
  error instanceof PlatformError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;

/**
 * May the call be made again? `repeatable`: the protocol makes a second arrival harmless. Otherwise only when the first cannot have had
 * an effect: it never left, or was turned away at the door.
 */
export function mayRetry(error: unknown, repeatable: boolean): boolean {
  if (error instanceof UnreachableError) return !error.permanent && (repeatable || error.neverSent);
  if (!(error instanceof PlatformError)) return false;
  if (error.status === 429 || error.code === 'idempotency_in_progress') return true;
  if (error.status === 503) return repeatable || error.retryAfterSeconds !== undefined;
  // A proxy that repeats a request on another instance makes the second copy a replay; a fresh nonce settles it.
  return repeatable && (error.status === 502 || error.status === 504 || error.code === 'replayed_request');
}
