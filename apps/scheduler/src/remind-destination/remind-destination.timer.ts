import { every, Log, type Repeating } from '@lienthong/runtime';
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
  ) {}

  onApplicationBootstrap(): void {
    const pause = this.options.deadlineWatchSeconds * 1000;
    this.timer = every('remind-destination', pause, () => this.remindDestination.pass(), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
