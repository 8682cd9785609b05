import { BaseRpcContext } from '@nestjs/microservices';

/** The slowest reading of content that is waited for. */
const BYTES_PER_MS = (1024 * 1024) / 1000;

/** The handling of a task did not end in its time. It may go on nevertheless: every handler may run late, or beside another of the same task. */
export class TaskOverdue extends Error {
  override readonly name = 'TaskOverdue';
}

/** The time that the handling of one task has; its handler gets it by `@Ctx()`. */
export class TaskTime extends BaseRpcContext<[string]> {
  private readonly overdue = new AbortController();
  private readonly began = performance.now();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly kind: string,
    private milliseconds: number,
  ) {
    super([kind]);
  }

  /** Aborts when the time is over: what is not begun by then is left to the next try. */
  get signal(): AbortSignal {
    return this.overdue.signal;
  }

  /** More time, for a handler that reads so much content or has it copied. */
  allowReading(bytes: number): void {
    this.milliseconds += bytes / BYTES_PER_MS;
  }

  /**
   * Waits for `work` until the time is over; how it ends after that is nobody's concern.
   * @throws TaskOverdue
   */
  async bound<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, new Promise<never>((_, reject) => this.watch(reject))]);
    } finally {
      clearTimeout(this.timer);
    }
  }

  /** Time may have been added when the timer ends. */
  private watch(reject: (error: TaskOverdue) => void): void {
    const left = this.began + this.milliseconds - performance.now();
    if (left > 0) {
      this.timer = setTimeout(() => this.watch(reject), left);
      return;
    }
    const error = new TaskOverdue(`${this.kind} did not end within ${Math.round(this.milliseconds / 100) / 10} s.`);
    this.overdue.abort(error);
    reject(error);
  }
}
