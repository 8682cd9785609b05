import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CheckConservation } from './check-conservation';

const EVERY_MS = 55_000;

@Injectable()
export class CheckConservationTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly conservation: CheckConservation,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = every('check-conservation', EVERY_MS, () => this.conservation.check(), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
