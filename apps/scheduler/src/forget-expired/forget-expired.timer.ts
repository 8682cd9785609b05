import { LIMITS } from '@lienthong/contracts';
import { ConnectionStore, PlatformKeyStore, WatchStore } from '@lienthong/persistence';
import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';

const EVERY_MS = 15_000;
const BITE = 5000;
/** A notifier that has been silent this long is dead; its streams are closed in the books. */
const SILENT_SECONDS = 90;
/** A process signs with a retired key for some seconds at most. */
const RETIRED_SECONDS = 600;

/** Removes what has served its time: nonces, sessions, tickets, events past 30 days, private halves of retired platform keys. In bites, so that no statement is long. */
@Injectable()
export class ForgetExpiredTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly watch: WatchStore,
    private readonly connections: ConnectionStore,
    private readonly platformKeys: PlatformKeyStore,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = every('forget-expired', EVERY_MS, (stopping) => this.forget(stopping), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }

  private async forget(stopping: AbortSignal): Promise<void> {
    await this.connections.closeForgotten(SILENT_SECONDS);
    await this.platformKeys.destroyRetired(RETIRED_SECONDS);
    while (!stopping.aborted && (await this.watch.forget(LIMITS.eventsKeptSeconds, BITE)) >= BITE);
  }
}
