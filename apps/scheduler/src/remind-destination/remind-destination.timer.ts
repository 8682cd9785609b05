import { LADDER_COUNTER, LADDER_OUTCOMES } from '@lienthong/contracts';
import { every, Log, Metrics, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SchedulerOptions } from '../scheduler.config';
import { RemindDestination } from './remind-destination';

@Injectable()
export class RemindDestinationTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly remindDestination: RemindDestination,
    private readonly options: SchedulerOptions,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  onApplicationBootstrap(): void {
    const pause = this.options.deadlineWatchSeconds * 1000;
    const noticed = this.metrics.tally(LADDER_COUNTER, 'reminder', LADDER_OUTCOMES);
    this.timer = every('remind-destination', pause, () => this.remindDestination.pass(noticed), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
