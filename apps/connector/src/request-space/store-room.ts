import { LienThongError } from '@lienthong/contracts';
import { PurgeBacklogStore } from '@lienthong/persistence';
import { every, Log, Metrics, type Repeating } from '@lienthong/runtime';
import { Storage } from '@lienthong/storage';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { ConnectorOptions } from '../connector.config';

/** As long as the circuit of a store that fails stays open, and as long as a backlog of purges is looked at anew. */
const RETRY_SECONDS = 10;
/** So that a store that nobody asks anything else is known to fail within seconds, and to answer again. */
const PROBE_MS = 2000;
const LATE_SECONDS = 600;

const tellFailing = (storage: Pick<Storage, 'failing'>, metrics: Metrics): Gauge =>
  new Gauge({
    name: 'lienthong_storage_failing',
    help: '1 while the content store leaves too many calls of this process unanswered: no new space is given',
    registers: [metrics],
    collect() {
      this.set(storage.failing ? 1 : 0);
    },
  });

/**
 * Whether the store is fit for more content: it answers, and what was to be deleted is deleted. While it is not, no new space is given; all else goes on
 * (reliability 12). What it goes by is looked at by timers, never in a request.
 */
@Injectable()
export class StoreRoom implements OnApplicationBootstrap, OnApplicationShutdown {
  private late = 0;
  private timers: Repeating[] = [];
  private readonly overdue: Gauge;

  constructor(
    @Inject(Storage) private readonly storage: Pick<Storage, 'check' | 'failing'>,
    @Inject(PurgeBacklogStore) private readonly purges: Pick<PurgeBacklogStore, 'look'>,
    @Inject(ConnectorOptions) private readonly options: Pick<ConnectorOptions, 'latePurges'>,
    @Inject(Metrics) metrics: Metrics,
    @Inject(Log) private readonly log: Pick<Log, 'error' | 'info'>,
  ) {
    this.overdue = new Gauge({
      name: 'lienthong_purge_overdue_seconds',
      help: 'For how long content that is to be deleted has been there since, at most',
      registers: [metrics],
    });
    tellFailing(storage, metrics);
  }

  onApplicationBootstrap(): void {
    // What a failed probe means is told by `failing` and by readiness; an error of each in the log would say it a third time.
    const probe = () => this.storage.check().catch(() => undefined);
    this.timers = [
      every('probe-store', PROBE_MS, probe, { log: this.log }),
      every('watch-purges', RETRY_SECONDS * 1000, () => this.look(), { log: this.log }),
    ];
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.timers.map((timer) => timer.stop()));
  }

  async look(): Promise<void> {
    const { overdueSeconds, late } = await this.purges.look(LATE_SECONDS, Math.max(1, this.options.latePurges));
    this.overdue.set(overdueSeconds);
    this.late = late;
  }

  /** @throws LienThongError unavailable while the store fails, overloaded while too much of what is to be deleted is still there */
  mustTakeMore(): void {
    if (this.storage.failing) throw new LienThongError('unavailable', { what: 'storage', retryAfter: RETRY_SECONDS });
    const { latePurges } = this.options;
    if (latePurges > 0 && this.late >= latePurges)
      throw new LienThongError('overloaded', { what: 'purges', retryAfter: RETRY_SECONDS });
  }
}
