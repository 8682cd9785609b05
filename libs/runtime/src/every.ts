import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log';

export interface Repeating {
  /** No further run; resolves when the one under way is over. */
  stop(): Promise<void>;
  /** Runs without waiting for the interval; during a run: once more right after it. */
  now(): void;
}

/** Instances that start together must not keep knocking together. */
const JITTER = 0.1;

/**
 * Runs `work` again and again, never twice at once in this process. An error is logged once per outage (and its end once), then work is tried again after the interval.
 * @param ms from the end of one run to the start of the next, ± 10 %
 * @param work gets a signal that is aborted by `stop`
 */
export function every(
  name: string,
  ms: number,
  work: (signal: AbortSignal) => Promise<unknown>,
  { log }: { log: Pick<Log, 'error' | 'info'> },
): Repeating {
  const stopping = new AbortController();
  let wake = new AbortController();
  let failures = 0;

  const run = async () => {
    try {
      await work(stopping.signal);
      if (failures > 0) log.info({ timer: name, failures }, `${name} works again`);
      failures = 0;
    } catch (error) {
      if (failures++ === 0 && !stopping.signal.aborted) log.error({ timer: name, err: error }, `${name} failed`);
    }
  };

  const loop = async () => {
    while (!stopping.signal.aborted) {
      const pause = ms * (1 - JITTER + 2 * JITTER * Math.random());
      await sleep(pause, undefined, { signal: wake.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      wake = new AbortController();
      await run();
    }
  };
  const done = loop();

  return {
    stop: () => {
      stopping.abort();
      wake.abort();
      return done;
    },
    now: () => wake.abort(),
  };
}
