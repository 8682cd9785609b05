import type { Priority, Task, TaskKind } from '@lienthong/contracts';

export interface QueuedTask {
  /** Id of the outbox row (UUID): the same task sent twice (a confirm that was lost) has the same id. */
  id: string;
  task: Task;
  priority: Priority;
  /** 1 on the first try. */
  attempt: number;
}

/** What became of a handled task. Decided in one place: `outcomeOf(error, attempt)`. */
export type TaskOutcome = 'done' | 'dead';

/** A message in the dead letters; `task` is null when its body could not be read as a task. */
export interface DeadLetter extends Omit<QueuedTask, 'task'> {
  task: Task | null;
}

export interface Depth {
  queue: string;
  ready: number;
  /** Seconds; null when the queue is empty or the broker cannot tell (RabbitMQ). */
  oldestSeconds: number | null;
}

export interface Consumption {
  /** True while the broker has this consumer attached; readiness looks at it. */
  attached(): boolean;
  /** Takes no new task, waits for the running ones (at most `drainMs`), leaves the rest in the queue. */
  stop(drainMs: number): Promise<void>;
}

/**
 * Moves tasks between processes: at least once, in any order, one queue per kind and priority. A task is a hint: PostgreSQL is the truth,
 * and the sweeper sends again what a broker lost. A behaviour is promised only if it is in the conformance suite, which every driver passes.
 */
export abstract class Queue {
  /**
   * Connects and declares the queues. Throws with one clear sentence if the server cannot be reached or refuses at the first attempt;
   * goes on trying in the background until `close()`, so that a process may start before its broker.
   */
  abstract open(): Promise<void>;
  /** Running tasks are not waited for (`Consumption.stop` does that): they come again. */
  abstract close(): Promise<void>;
  /** Rejects when tasks cannot be sent now (connection down, blocked, confirm overdue); for readiness. */
  abstract check(): Promise<void>;

  /**
   * Sends tasks; resolves with the ids that the broker has durably taken (confirmed and routed). A task not in the answer is *unknown*:
   * send it again with the same id. Settles within the driver's confirm timeout (10 s); rejects only when nothing could be sent at all.
   */
  abstract send(tasks: QueuedTask[]): Promise<string[]>;

  /**
   * Consumes one kind at all four priorities: a higher class gets the larger share, a lower one waits at most as long as `mostServedBefore` says. `handle` returns
   * only when the task's effects are committed (or are handed to a later try): then it is acknowledged. `dead` moves it to the dead letters. A rejection of `handle`
   * (process in trouble: nothing could be recorded) gives the task back to the queue after a pause. Subscribes again by itself whenever the server
   * cancels or comes back; may be called before the server can be reached.
   */
  abstract consume(kind: TaskKind, handle: (queued: QueuedTask) => Promise<TaskOutcome>): Promise<Consumption>;

  /** Ready tasks and age of the oldest, per queue (kind and priority), and of the dead letters (`<prefix>.dead`). */
  abstract depths(): Promise<Depth[]>;

  /** Dead letters, without removing them; in no certain order (RabbitMQ puts what was looked at behind the others). */
  abstract dead(limit: number): Promise<DeadLetter[]>;

  /**
   * Takes tasks out of the dead letters, `limit` at most. `record` gets those that the broker itself gave up (taken `DELIVERY_LIMIT` times and never
   * answered: nobody has them on record); they are removed when it has returned, and stay when it rejects. Those that a handler answered `dead` are on
   * record, and are only removed. A message that is no task stays for a person. Two callers at once may both record what they find.
   * @returns how many were removed
   */
  abstract clearDead(limit: number, record: (givenUp: QueuedTask[]) => Promise<void>): Promise<number>;
}
