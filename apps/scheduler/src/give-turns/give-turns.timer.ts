import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { GiveTurns } from './give-turns';

/** For those whose process died, and for what another instance analysed; whoever analyses does not wait for it. While nobody waits it is one look into an index. */
const EVERY_MS = 1000;

@Injectable()
export class GiveTurnsTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly giveTurns: GiveTurns,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    const timer = every('give-turns', EVERY_MS, () => this.giveTurns.pass(), { log: this.log });
    this.giveTurns.start(() => timer.now());
    this.timer = timer;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
