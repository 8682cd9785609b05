import type { Queue, QueuedTask } from './queue';

/** The outbox as the relay needs it. */
export interface Outbox {
  claim(limit: number): Promise<(QueuedTask & { delayMs: number })[]>;
  remove(ids: string[]): Promise<void>;
}

const BATCH = 500;

/**
 * Moves tasks from the outbox to the queue. The process that committed them offers them at once; the timer (`drain`) takes what was left by
 * whoever died or could not reach the broker. A row leaves the outbox only when the broker has durably taken its task.
 */
export class PromptRelay {
  private waiting: QueuedTask[] = [];
  private sending?: Promise<void>;

  constructor(
    private readonly queue: Pick<Queue, 'send'>,
    private readonly outbox: Outbox,
  ) {}

  /** Sends in the background; those of many transactions go together. Delayed ones and those that fail stay for `drain`. */
  offer(tasks: (QueuedTask & { delayMs: number })[]): void {
    // More than this waiting means that the broker is slow or away: the outbox keeps the rest.
    if (this.waiting.length < 20 * BATCH) this.waiting.push(...tasks.filter((task) => task.delayMs === 0));
    this.sending ??= this.sendWaiting().finally(() => (this.sending = undefined));
  }

  /** Sends what is due in the outbox. @returns how many the broker took */
  async drain(): Promise<number> {
    let taken = 0;
    for (;;) {
      const rows = await this.outbox.claim(BATCH);
      if (rows.length > 0) taken += await this.send(rows);
      if (rows.length < BATCH) return taken;
    }
  }

  /** Resolves when nothing that was offered is on its way any more; for shutdown. */
  async idle(): Promise<void> {
    await this.sending;
  }

  private async sendWaiting(): Promise<void> {
    while (this.waiting.length > 0) {
      try {
        await this.send(this.waiting.splice(0, BATCH));
      } catch {
        this.waiting = [];
      }
    }
  }

  private async send(tasks: QueuedTask[]): Promise<number> {
    const taken = await this.queue.send(tasks);
    if (taken.length > 0) await this.outbox.remove(taken);
    return taken.length;
  }
}
