import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SchedulerOptions } from '../scheduler.config';
import { WatchDeadlines } from './watch-deadlines';

@Injectable()
export class WatchDeadlinesTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly watchDeadlines: WatchDeadlines,
    private readonly options: SchedulerOptions,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = every('watch-deadlines', this.options.deadlineWatchSeconds * 1000, () => this.watchDeadlines.pass(), {
      log: this.log,
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
