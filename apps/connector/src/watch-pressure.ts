import { OutboxStore, Transactions, TurnStore } from '@lienthong/persistence';
import { Admission, Log, Metrics, type Pressure } from '@lienthong/runtime';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Gauge } from 'prom-client';

/** A place in the pool is given up after 3 s; long before that there is too much work (reliability 12). */
const POOL_MS = { strained: 250, over: 500 };
/** A broker that is away bothers nobody: what it does not take waits in the outbox, or for its turn (P21), until it is a burden for the database that everything else needs. */
const BACKLOG = { strained: 50_000, over: 100_000 };

/** A task that has been due for so long and that no relay has tried means that they do not keep up. A broker that is away they try in vain, in time. */
const OVERDUE_SECONDS = 60;

/** What the connector looks at, beside its own event loop, before it takes more work (reliability 12). */
@Injectable()
export class WatchPressure implements OnApplicationBootstrap {
  private readonly overdue: Gauge;

  constructor(
    @Inject(Admission) private readonly admission: Pick<Admission, 'watch'>,
    @Inject(Transactions) private readonly transactions: Pick<Transactions, 'poolWaitMs'>,
    @Inject(OutboxStore) private readonly outbox: Pick<OutboxStore, 'atLeast' | 'overdueSeconds'>,
    @Inject(TurnStore) private readonly turns: Pick<TurnStore, 'atLeast'>,
    private readonly log: Log,
    @Inject(Metrics) metrics: Metrics,
  ) {
    this.overdue = new Gauge({
      name: 'lienthong_outbox_overdue_seconds',
      help: 'For how long the oldest task of the outbox has been due without a relay having tried it',
      registers: [metrics],
    });
  }

  onApplicationBootstrap(): void {
    this.admission.watch('database pool', 250, () => this.pool(), this.log);
    this.admission.watch('outbox', 5000, () => this.backlog(), this.log);
  }

  /** A pool that gives no place within its own limit has none. */
  async pool(): Promise<Pressure> {
    const ms = await this.transactions.poolWaitMs().catch(() => Infinity);
    return ms > POOL_MS.over ? 2 : ms > POOL_MS.strained ? 1 : 0;
  }

  async backlog(): Promise<Pressure> {
    const overdue = await this.outbox.overdueSeconds();
    this.overdue.set(overdue);
    if (await this.waits(BACKLOG.strained)) return (await this.waits(BACKLOG.over)) ? 2 : 1;
    return overdue > OVERDUE_SECONDS ? 1 : 0;
  }

  private async waits(n: number): Promise<boolean> {
    return (await this.outbox.atLeast(n)) || this.turns.atLeast(n);
  }
}
