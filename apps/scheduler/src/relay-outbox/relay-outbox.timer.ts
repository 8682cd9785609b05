import { PromptRelay } from '@lienthong/queue';
import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';

const EVERY_MS = 1000;

/** Sends what is due in the outbox: delayed tasks, and those whose process died or could not reach the broker. */
@Injectable()
export class RelayOutboxTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly relay: PromptRelay,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = every('relay-outbox', EVERY_MS, () => this.relay.drain(), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
    await this.relay.idle();
  }
}
