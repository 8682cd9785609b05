import { DeadTaskStore, Transactions } from '@lienthong/persistence';
import { GIVEN_UP_COUNTS, outcomeOfGivenUp, Queue, type QueuedTask } from '@lienthong/queue';
import { Log } from '@lienthong/runtime';
import { Inject, Injectable } from '@nestjs/common';

const BATCH = 500;

/**
 * Takes the tasks that the broker gave up out of its dead letters: what is to be tried again goes into the outbox, the rest on record, where a person
 * finds it and `sweep-lost-work` lets it be. Without it a task that ends its process would be sent for ever (invariant 4).
 */
@Injectable()
export class BuryDeadLetters {
  constructor(
    @Inject(Queue) private readonly queue: Pick<Queue, 'clearDead'>,
    @Inject(Transactions) private readonly transactions: Pick<Transactions, 'run'>,
    @Inject(DeadTaskStore) private readonly deadTasks: Pick<DeadTaskStore, 'of' | 'bury'>,
    @Inject(Log) private readonly log: Pick<Log, 'warn' | 'error'>,
  ) {}

  /** @returns dead letters taken */
  async pass(): Promise<number> {
    let taken = 0;
    for (;;) {
      const cleared = await this.queue.clearDead(BATCH, (givenUp) => this.settle(givenUp));
      taken += cleared;
      if (cleared < BATCH) return taken;
    }
  }

  /** In one transaction. Done twice with the same tasks, some are sent twice, which every handler bears. */
  private async settle(givenUp: QueuedTask[]): Promise<void> {
    const known = await this.deadTasks.of(givenUp.map(({ task }) => task.packetId));
    const dead: (QueuedTask & { reason: string })[] = [];
    await this.transactions.run(async (unit) => {
      for (const queued of givenUp) {
        const { task, priority, attempt } = queued;
        // Another task for the same work is on record already: this one is no innocent.
        const buried = known.some(({ kind, packetId }) => kind === task.kind && packetId === task.packetId);
        const outcome = outcomeOfGivenUp(buried ? Infinity : attempt);
        if (outcome.kind === 'dead') dead.push({ ...queued, reason: outcome.reason });
        else unit.enqueue(task, priority, outcome.delayMs, attempt + GIVEN_UP_COUNTS);
      }
      if (dead.length > 0) await this.deadTasks.bury(dead, unit);
    });
    const again = givenUp.length - dead.length;
    if (again > 0)
      this.log.warn({ step: 'bury-dead-letters', tasks: again }, 'given up by the broker, to be tried again');
    for (const { task, attempt, reason } of dead)
      this.log.error(
        { step: task.kind, packetId: task.packetId, attempt, outcome: 'dead', reason },
        `${task.kind} given up`,
      );
  }
}
