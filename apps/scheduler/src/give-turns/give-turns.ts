import { task } from '@lienthong/contracts';
import { Transactions, TurnStore } from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';

/** A quarter of what a source may have in the analysis: turns are given a few at a time, and before its slots run empty. */
const FEW = 4;
/** While packets are analysed and nobody is known to wait, a look this often at most: where a line begins, there are some in the analysis. */
const LOOK_MS = 250;

/** Fairness among sources: those of whose packets too many are in the analysis get the next turns as the others are done. */
@Injectable()
export class GiveTurns {
  private someWait = false;
  private ended = 0;
  private lookedAt = 0;
  private wake: () => void = () => undefined;

  constructor(
    private readonly transactions: Transactions,
    private readonly turns: TurnStore,
  ) {}

  /** @param wake has `pass` called soon */
  start(wake: () => void): void {
    this.wake = wake;
  }

  /** A packet has left the analysis. */
  oneEnded(): void {
    this.ended += 1;
    const isTime = this.someWait ? this.ended >= FEW : performance.now() - this.lookedAt >= LOOK_MS;
    if (isTime) this.wake();
  }

  /** @returns packets that got their turn */
  async pass(): Promise<number> {
    this.ended = 0;
    this.lookedAt = performance.now();
    this.someWait = await this.turns.anyWaits();
    if (!this.someWait) return 0;
    return this.transactions.run(async (unit) => {
      const given = await this.turns.give(unit);
      for (const { packetId, priority } of given) unit.enqueue(task('analyse-packet', packetId), priority);
      return given.length;
    });
  }
}
