import type { TaskKind } from '@lienthong/contracts';
import { QueueServer, type QueueServerOptions, type TaskLine } from './queue-server';
import type { Queue, QueuedTask } from './queue';

export interface TaskServerParts {
  queue: Queue;
  /** Where a task goes that is to be tried later. */
  outbox: { defer(queued: QueuedTask, delayMs: number): Promise<void> };
  /** Where one goes that is not to be tried again. */
  deadTasks: { bury(tasks: (QueuedTask & { reason: string })[]): Promise<void> };
  kinds: readonly TaskKind[];
  log: {
    info(fields: object, text: string): void;
    warn(fields: object, text: string): void;
    error(fields: object, text: string): void;
  };
}

/** The strategy that an app connects to take its tasks, with one log line per task named after its step. */
export function taskServer({ queue, outbox, deadTasks, kinds, log }: TaskServerParts): QueueServer {
  const options: QueueServerOptions = {
    kinds,
    defer: (queued, delayMs) => outbox.defer(queued, delayMs),
    bury: (queued, reason) => deadTasks.bury([{ ...queued, reason }]),
    log: ({ kind, error, ...line }: TaskLine) => {
      const fields = { step: kind, ...line, ...(error ? { err: error } : {}) };
      if (line.outcome === 'done') log.info(fields, `${kind} done`);
      else if (line.outcome === 'dead') log.error(fields, `${kind} given up`);
      else log.warn(fields, `${kind} to be tried again`);
    },
  };
  return new QueueServer(queue, options);
}
