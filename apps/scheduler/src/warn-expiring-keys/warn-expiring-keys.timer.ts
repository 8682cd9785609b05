import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { WarnExpiringKeys } from './warn-expiring-keys';

const EVERY_MS = 15_000;

@Injectable()
export class WarnExpiringKeysTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly warnExpiringKeys: WarnExpiringKeys,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    const pass = async () => void (await this.warnExpiringKeys.pass());
    this.timer = every('warn-expiring-keys', EVERY_MS, pass, { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
