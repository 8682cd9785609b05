import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SchedulerOptions } from '../scheduler.config';
import { BuryDeadLetters } from './bury-dead-letters';

@Injectable()
export class BuryDeadLettersTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly buryDeadLetters: BuryDeadLetters,
    private readonly options: SchedulerOptions,
    private readonly log: Log,
  ) {}

  /** Four times before the sweeper would send the same work again. */
  onApplicationBootstrap(): void {
    const everyMs = (this.options.sweepQuietSeconds * 1000) / 4;
    this.timer = every('bury-dead-letters', everyMs, () => this.buryDeadLetters.pass(), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
