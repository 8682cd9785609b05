import type { TaskKind } from '@lienthong/contracts';
import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { outcomeOf } from './outcome';
import type { Consumption, Queue, QueuedTask, TaskOutcome } from './queue';
import { TaskTime } from './task-time';

/** One wide line per task (house style 8). `error` is what the handler threw, or what kept its outcome from being recorded. */
export interface TaskLine {
  kind: TaskKind;
  packetId: string;
  attempt: number;
  /** `returned`: nothing could be recorded, the task is back in the queue. */
  outcome: 'done' | 'retry' | 'dead' | 'returned';
  durationMs: number;
  delayMs?: number;
  error?: unknown;
}

export interface QueueServerOptions {
  /** Every kind that this process must handle: exactly one handler each, and no handler for another kind. */
  kinds: readonly TaskKind[];
  /** Writes the task into the outbox for a later try (attempt + 1, in `delayMs` milliseconds). */
  defer: (queued: QueuedTask, delayMs: number) => Promise<void>;
  /** Records a task that will not be tried again, before the broker moves it to the dead letters. */
  bury: (queued: QueuedTask, reason: string) => Promise<void>;
  log?: (line: TaskLine) => void;
  /** How long the handling of one task may take, what `TaskTime` allows for content not counted; then it has failed. Default 60 s. */
  taskMs?: number;
  /** How long `close()` waits for running tasks. Default 30 s. */
  drainMs?: number;
}

const DRAIN_MS = 30_000;
/** Far below what the brokers wait for (RabbitMQ 30 minutes, pg-boss 15). */
const TASK_MS = 60_000;

/**
 * Nest's transport over the queue port. Handlers are methods marked with `@OnTask(kind)`, or `@EventPattern<string>(kind)` under a global
 * `TaskErrorFilter`. A handler that returns has committed; what becomes of one that throws, or does not
 * return in its time (`TaskOverdue`), is decided by `outcomeOf`.
 */
export class QueueServer extends Server implements CustomTransportStrategy {
  private consumptions: Consumption[] = [];

  constructor(
    private readonly queue: Pick<Queue, 'consume'>,
    private readonly options: QueueServerOptions,
  ) {
    super();
  }

  /** Refuses to start on an incomplete or foreign set of handlers (house style 3); does not wait for the broker. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      this.checkHandlers();
      for (const kind of this.options.kinds)
        this.consumptions.push(await this.queue.consume(kind, (queued) => this.work(queued)));
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** True while every kind has its consumers attached at the broker; for readiness. */
  attached(): boolean {
    return (
      this.consumptions.length === this.options.kinds.length &&
      this.consumptions.every((consumption) => consumption.attached())
    );
  }

  async close(): Promise<void> {
    const running = this.consumptions;
    this.consumptions = [];
    await Promise.all(running.map((consumption) => consumption.stop(this.options.drainMs ?? DRAIN_MS)));
  }

  on(): never {
    throw new Error('QueueServer emits no events; readiness is attached().');
  }

  unwrap<T>(): T {
    return this.queue as T;
  }

  private checkHandlers(): void {
    const { kinds } = this.options;
    const wrong = [
      ...kinds.filter((kind) => !this.messageHandlers.has(kind)).map((kind) => `no handler for ${kind}`),
      ...[...this.messageHandlers].flatMap(([pattern, handler]) => {
        if (!kinds.some((kind) => kind === pattern))
          return [`a handler for ${pattern}, which this process does not handle`];
        if (handler.next) return [`more than one handler for ${pattern}`];
        return handler.isEventHandler ? [] : [`${pattern} is handled by @MessagePattern instead of @OnTask`];
      }),
    ];
    if (wrong.length > 0) throw new Error(`The task handlers are not complete: ${wrong.join('; ')}.`);
  }

  private async work(queued: QueuedTask): Promise<TaskOutcome> {
    const started = performance.now();
    const say = (outcome: TaskLine['outcome'], rest: Pick<TaskLine, 'error' | 'delayMs'> = {}) =>
      this.options.log?.({
        kind: queued.task.kind,
        packetId: queued.task.packetId,
        attempt: queued.attempt,
        outcome,
        durationMs: Math.round(performance.now() - started),
        ...rest,
      });
    const failure = await this.run(queued);
    if (!failure) {
      say('done');
      return 'done';
    }
    const { error } = failure;
    const outcome = outcomeOf(error, queued.attempt);
    try {
      if (outcome.kind === 'retry') await this.options.defer(queued, outcome.delayMs);
      else await this.options.bury(queued, outcome.reason);
    } catch (unrecorded) {
      say('returned', { error: unrecorded });
      throw unrecorded;
    }
    say(outcome.kind, outcome.kind === 'retry' ? { error, delayMs: outcome.delayMs } : { error });
    return outcome.kind === 'retry' ? 'done' : 'dead';
  }

  private async run(queued: QueuedTask): Promise<{ error: unknown } | null> {
    const { kind } = queued.task;
    try {
      const handler = this.messageHandlers.get(kind);
      if (!handler) throw new Error(`No handler for ${kind}.`);
      const time = new TaskTime(kind, this.options.taskMs ?? TASK_MS);
      const handled = async () =>
        lastValueFrom(this.transformToObservable(await handler(queued, time)), { defaultValue: undefined });
      await time.bound(handled());
      return null;
    } catch (error) {
      return { error: error instanceof Error ? error : hidden(kind, error) };
    }
  }
}

function hidden(kind: TaskKind, error: unknown): Error {
  return new Error(
    `The handler of ${kind} failed, and Nest hid its error (see its log). Mark the handler with @OnTask instead of @EventPattern.`,
    { cause: error },
  );
}
