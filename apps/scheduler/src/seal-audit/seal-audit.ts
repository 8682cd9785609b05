import { AuditSealStore, AuditStore, PlatformKeyStore } from '@lienthong/persistence';
import { Metrics } from '@lienthong/runtime';
import { newPlatformKey, platformKeyOf } from '@lienthong/signing';
import { Inject, Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { SchedulerOptions } from '../scheduler.config';

/** Entries of one transaction: some megabytes of memory, well under the time of a statement. */
const BATCH = 2000;

/** Where checkpoints go that must outlive a database somebody tampers with. */
export abstract class CheckpointArchive {
  abstract put(name: string, text: string): Promise<void>;
}

/** Seals what was recorded since the last time, and takes the newest checkpoint out of the reach of whoever has the database (reliability 4). */
@Injectable()
export class SealAudit {
  private exported = 0;
  private readonly age: Gauge;
  private readonly waiting: Gauge;

  constructor(
    @Inject(AuditSealStore) private readonly sealing: Pick<AuditSealStore, 'seal'>,
    @Inject(AuditStore) private readonly audit: Pick<AuditStore, 'unsealed' | 'checkpoints'>,
    @Inject(PlatformKeyStore) private readonly keys: Pick<PlatformKeyStore, 'current'>,
    @Inject(SchedulerOptions) private readonly options: Pick<SchedulerOptions, 'origin'>,
    @Inject(CheckpointArchive) private readonly archive: CheckpointArchive | null,
    @Inject(Metrics) metrics: Metrics,
  ) {
    const registers = [metrics];
    this.age = new Gauge({
      name: 'lienthong_audit_unsealed_seconds',
      help: 'Age of the oldest audit entry that is not sealed; new packets are refused past AUDIT_MAX_UNSEALED_HOURS',
      registers,
    });
    this.waiting = new Gauge({
      name: 'lienthong_audit_unsealed_entries',
      help: 'Audit entries that are not sealed, counted up to 100,000',
      registers,
    });
  }

  /** @param stopping aborted when the process is about to end: the rest waits for the next one */
  async pass(stopping: AbortSignal): Promise<void> {
    try {
      const { kid, privatePem } = await this.keys.current(newPlatformKey);
      const key = platformKeyOf(kid, privatePem);
      while (!stopping.aborted && (await this.sealing.seal(this.options.origin, key, BATCH)).entries === BATCH);
    } finally {
      const { seconds, entries } = await this.audit.unsealed();
      this.age.set(seconds);
      this.waiting.set(entries);
    }
    await this.export();
  }

  /** The newest stands for all before it: what could not be written once need not be written later. */
  private async export(): Promise<void> {
    const [newest] = this.archive ? await this.audit.checkpoints(1) : [];
    if (!newest || newest.size === this.exported) return;
    await this.archive?.put(`checkpoint-${String(newest.size).padStart(16, '0')}.jws`, newest.jws);
    this.exported = newest.size;
  }
}
