import { EventStreamStore } from '@lienthong/persistence';
import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';

const EVERY_MS = 1000;

/** Whoever commits events has them numbered at once; this is for those whose process died in between. */
@Injectable()
export class NumberEventsTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly events: EventStreamStore,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = every('number-events', EVERY_MS, () => this.events.number(), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
