import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { WatchDeadlines } from './watch-deadlines';

const EVERY_MS = 5_000;

@Injectable()
export class WatchDeadlinesTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly watchDeadlines: WatchDeadlines,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = every('watch-deadlines', EVERY_MS, () => this.watchDeadlines.pass(), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
