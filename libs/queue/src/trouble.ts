import { setTimeout as sleep } from 'node:timers/promises';

const SHORTEST_MS = 1000;
const LONGEST_MS = 30_000;

/**
 * The pause before a task is given back that could not be handled and not be recorded. As long as the trouble has lasted so far, 1 to 30 s:
 * a short outage costs a second, a long one does not spend the task's deliveries.
 */
export class Trouble {
  private since: number | undefined;

  over(): void {
    this.since = undefined;
  }

  /** @returns after the pause, or at once when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void> {
    return pause(this.pauseMs(Date.now()), signal);
  }

  /** How long to pause when something failed at `now`, in milliseconds. */
  pauseMs(now: number): number {
    this.since ??= now;
    return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, now - this.since));
  }
}

/** Sleeps; wakes early, without an error, when `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** @returns what `work` returns; rejects with `sentence` when it has not settled after `ms`. Its late outcome is ignored. */
export async function within<T>(ms: number, sentence: string, work: Promise<T>): Promise<T> {
  const clock = new AbortController();
  const late = sleep(ms, undefined, { signal: clock.signal }).then(() => {
    throw new Error(sentence);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined);
    clock.abort();
  }
}
