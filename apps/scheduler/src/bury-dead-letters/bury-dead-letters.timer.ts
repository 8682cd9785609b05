import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { BuryDeadLetters } from './bury-dead-letters';

/** One look at an empty queue. Far sooner than the sweeper would send the same work again. */
const EVERY_MS = 3000;

@Injectable()
export class BuryDeadLettersTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly buryDeadLetters: BuryDeadLetters,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = every('bury-dead-letters', EVERY_MS, () => this.buryDeadLetters.pass(), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
