import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SchedulerOptions } from '../scheduler.config';
import { SweepLostWork } from './sweep-lost-work';

@Injectable()
export class SweepLostWorkTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly sweepLostWork: SweepLostWork,
    private readonly options: SchedulerOptions,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    const quiet = this.options.sweepQuietSeconds;
    this.timer = every('sweep-lost-work', (quiet * 1000) / 4, () => this.sweepLostWork.pass(quiet), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
