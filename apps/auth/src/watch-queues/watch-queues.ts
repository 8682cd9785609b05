import type { QueueDepth, QueuesAnswer } from '@lienthong/contracts';
import { DeadTaskStore, DepthStore, OutboxStore, type TaskRate, TurnStore } from '@lienthong/persistence';
import { Queue } from '@lienthong/queue';
import { LienThongError } from '@lienthong/contracts';
import { Inject, Injectable } from '@nestjs/common';

/** What the operator looks at first: where work piles up, and for whom. */
@Injectable()
export class WatchQueues {
  constructor(
    @Inject(Queue) private readonly queue: Pick<Queue, 'depths'>,
    @Inject(OutboxStore) private readonly outbox: Pick<OutboxStore, 'depths'>,
    @Inject(TurnStore) private readonly turns: Pick<TurnStore, 'depths'>,
    @Inject(DeadTaskStore) private readonly deadTasks: Pick<DeadTaskStore, 'depth'>,
    @Inject(DepthStore) private readonly depths: Pick<DepthStore, 'destinations' | 'taskRates'>,
  ) {}

  /** @throws LienThongError unavailable while the broker cannot be asked: an answer without its queues would read as "nothing waits" */
  async read(): Promise<QueuesAnswer> {
    const [broker, outbox, turns, dead, destinations, rates] = await Promise.all([
      this.queue.depths().catch(() => {
        throw new LienThongError('unavailable', { what: 'queue', retryAfter: 5 });
      }),
      this.outbox.depths(),
      this.turns.depths(),
      this.deadTasks.depth(),
      this.depths.destinations(),
      this.depths.taskRates(),
    ]);
    const unsent = [
      ...outbox.map(({ kind, priority, ...depth }) => ({ queue: `outbox.${kind}.${priority}`, ...depth })),
      ...turns.map(({ priority, ...depth }) => ({ queue: `turns.analyse-packet.${priority}`, ...depth })),
      { queue: 'dead-tasks', ...dead },
    ].map(({ queue, waiting, oldestSeconds }) => ({
      queue,
      ready: waiting,
      oldestSeconds: oldestSeconds && Math.round(oldestSeconds),
      perMinute: 0,
    }));
    return {
      queues: [...broker.map((depth) => ({ ...depth, perMinute: rateOf(depth, rates) })), ...unsent],
      destinations,
    };
  }
}

/** A queue's name ends in its kind and priority. */
const rateOf = ({ queue }: Pick<QueueDepth, 'queue'>, rates: TaskRate[]): number =>
  rates.find(({ kind, priority }) => queue.endsWith(`.${kind}.${priority}`))?.perMinute ?? 0;
