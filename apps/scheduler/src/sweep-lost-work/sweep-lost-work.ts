import { Transactions, WatchStore } from '@lienthong/persistence';
import { logContext } from '@lienthong/runtime';
import { Injectable } from '@nestjs/common';

const BATCH = 500;

/** Sends the tasks of work that stands still once more: with it, whatever a broker loses is a delay and never a loss (reliability, conclusion 1). */
@Injectable()
export class SweepLostWork {
  constructor(
    private readonly transactions: Transactions,
    private readonly watch: WatchStore,
  ) {}

  /** @param quietSeconds how long work may stand still before it counts as lost @returns tasks sent again */
  async pass(quietSeconds: number): Promise<number> {
    const lost = await this.watch.lost(quietSeconds, BATCH);
    if (lost.length > 0)
      await this.transactions.run(async (unit) => {
        for (const { task, priority } of lost) unit.enqueue(task, priority);
      });
    logContext().add({ driven: lost.length });
    return lost.length;
  }
}
