import { LienThongError, statusOf } from '@lienthong/contracts';
import { DELIVERY_LIMIT } from './lanes';

export type Outcome = { kind: 'dead'; reason: string } | { kind: 'retry'; delayMs: number };

export const MAX_ATTEMPTS = 12;
/** A dependency that is away says nothing about the task: a week of trying. */
export const MAX_OUTAGE_ATTEMPTS = 2000;
/** Statuses of `unavailable` and `storage_full`. */
const OUTAGES = new Set([503, 507]);
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 300_000;
/** Client errors that time heals (RFC 6585 section 4, RFC 9110 section 15.5.9). */
const PASSING = new Set([408, 429]);

/**
 * What becomes of a task whose handler failed (invariant 4), the only place that decides it. An error of the 4xx classes is permanent: trying
 * again cannot help. Anything else is tried again after 1 s … 5 min (doubling, with jitter), 12 attempts in about 18 minutes, or for a
 * week while a dependency is away.
 * @param attempt the attempt that failed, 1 for the first
 */
export function outcomeOf(error: unknown, attempt: number, random: () => number = Math.random): Outcome {
  if (isPermanent(error)) return { kind: 'dead', reason: sentenceOf(error) };
  if (attempt >= (isOutage(error) ? MAX_OUTAGE_ATTEMPTS : MAX_ATTEMPTS))
    return { kind: 'dead', reason: `gave up after ${attempt} attempts: ${sentenceOf(error)}` };
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 20));
  return { kind: 'retry', delayMs: Math.round(ceiling * (0.5 + random() / 2)) };
}

/** For how many failed attempts it counts that the broker gave a task up: two times are the end of it. */
export const GIVEN_UP_COUNTS = MAX_ATTEMPTS / 2;
/** Those that fell together come again one by one. */
const APART_MS = 60_000;

/**
 * What becomes of a task that the broker gave up, which nobody answered although it was taken `DELIVERY_LIMIT` times. Most such tasks are innocent: they
 * were under way beside one that ended their process, or while the database was away. So it is tried again as a later attempt (`GIVEN_UP_COUNTS` more),
 * within a minute, at a time of its own; one that falls again is dead.
 * @param attempt the attempt that was given up
 */
export function outcomeOfGivenUp(attempt: number, random: () => number = Math.random): Outcome {
  if (attempt + GIVEN_UP_COUNTS <= MAX_ATTEMPTS)
    return { kind: 'retry', delayMs: Math.round(FIRST_DELAY_MS + APART_MS * random()) };
  return {
    kind: 'dead',
    reason: `taken ${DELIVERY_LIMIT} times and never answered: its process ended each time, or could record nothing`,
  };
}

const isOutage = (error: unknown): boolean => error instanceof LienThongError && OUTAGES.has(statusOf(error));

function isPermanent(error: unknown): boolean {
  if (!(error instanceof LienThongError)) return false;
  const status = statusOf(error);
  return status >= 400 && status < 500 && !PASSING.has(status);
}

function sentenceOf(error: unknown): string {
  if (error instanceof LienThongError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
