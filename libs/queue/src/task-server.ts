import type { TaskKind } from '@lienthong/contracts';
import { QueueServer, type QueueServerOptions, type TaskLine } from './queue-server';
import type { Queue, QueuedTask } from './queue';
import { TaskOverdue } from './task-time';

type Ending = TaskLine['outcome'] | 'overdue';
const ENDINGS = ['done', 'retry', 'dead', 'returned', 'overdue'] as const satisfies Ending[];
const COUNTER = {
  name: 'lienthong_tasks_total',
  help: 'Tasks by how their handling ended; overdue: not in its time, so that it is tried again like a failed one',
};

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
  metrics: { tally(what: typeof COUNTER, step: string, endings: readonly Ending[]): (ending: Ending) => void };
  taskSeconds: number;
}

/** The strategy that an app connects to take its tasks, with one log line per task named after its step, and a counter. */
export function taskServer({
  queue,
  outbox,
  deadTasks,
  kinds,
  log,
  metrics,
  taskSeconds,
}: TaskServerParts): QueueServer {
  const ended = new Map(kinds.map((kind) => [kind, metrics.tally(COUNTER, kind, ENDINGS)]));
  const options: QueueServerOptions = {
    kinds,
    taskMs: taskSeconds * 1000,
    defer: (queued, delayMs) => outbox.defer(queued, delayMs),
    bury: (queued, reason) => deadTasks.bury([{ ...queued, reason }]),
    log: ({ kind, error, ...line }: TaskLine) => {
      const fields = { step: kind, ...line, ...(error ? { err: error } : {}) };
      const isOverdue = error instanceof TaskOverdue;
      ended.get(kind)?.(isOverdue && line.outcome === 'retry' ? 'overdue' : line.outcome);
      if (line.outcome === 'done') log.info(fields, `${kind} done`);
      else if (line.outcome === 'dead') log.error(fields, `${kind} given up`);
      else if (isOverdue) log.warn(fields, `${kind} overdue, to be tried again`);
      else log.warn(fields, `${kind} to be tried again`);
    },
  };
  return new QueueServer(queue, options);
}
