import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SchedulerOptions } from '../scheduler.config';
import { WarnOfDeadlines } from './warn-of-deadlines';

@Injectable()
export class WarnOfDeadlinesTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly warnOfDeadlines: WarnOfDeadlines,
    private readonly options: SchedulerOptions,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = every(
      'warn-of-deadlines',
      this.options.deadlineWatchSeconds * 1000,
      () => this.warnOfDeadlines.pass(),
      { log: this.log },
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
