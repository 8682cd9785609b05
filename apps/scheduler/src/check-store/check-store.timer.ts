import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SchedulerOptions } from '../scheduler.config';
import { CheckStore } from './check-store';

@Injectable()
export class CheckStoreTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly store: CheckStore,
    private readonly options: SchedulerOptions,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    const ms = this.options.storeCheckSeconds * 1000;
    this.timer = every('check-store', ms, () => this.store.check(), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
