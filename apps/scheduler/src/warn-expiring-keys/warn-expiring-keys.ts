import { EventStreamStore, KeyStore, Transactions } from '@lienthong/persistence';
import { Log } from '@lienthong/runtime';
import { Inject, Injectable } from '@nestjs/common';

const BATCH = 200;

/** Tells a system 30, 7 and 1 days before one of its keys ends (`key.expiring`); an administrator, who has no stream, is told by the log. */
@Injectable()
export class WarnExpiringKeys {
  constructor(
    @Inject(Transactions) private readonly transactions: Pick<Transactions, 'run'>,
    @Inject(KeyStore) private readonly keys: Pick<KeyStore, 'warn'>,
    @Inject(EventStreamStore) private readonly events: Pick<EventStreamStore, 'add'>,
    @Inject(Log) private readonly log: Pick<Log, 'warn'>,
  ) {}

  /** @returns how many keys were warned of */
  async pass(): Promise<number> {
    let warned = 0;
    for (;;) {
      const keys = await this.transactions.run(async (unit) => {
        const due = await this.keys.warn(unit, BATCH);
        for (const { systemId, accessKey, algorithms, expiresAt, replacedBy } of due) {
          const data = { accessKey, algorithms, expiresAt: expiresAt.toISOString(), replacedBy };
          if (systemId !== null) this.events.add(unit, [{ systemId, type: 'key.expiring', data }]);
          else this.log.warn(data, 'an administrator key expires soon');
        }
        return due;
      });
      warned += keys.length;
      if (keys.length < BATCH) return warned;
    }
  }
}
