import { AuditPartitionStore, PlatformKeyStore } from '@lienthong/persistence';
import { every, Log, type Repeating } from '@lienthong/runtime';
import { newPlatformKey, platformKeyOf } from '@lienthong/signing';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CheckpointArchive } from '../seal-audit/seal-audit';
import { SchedulerOptions } from '../scheduler.config';

const EVERY_MS = 3_600_000;

/** Makes the months ahead, and forgets whole months after AUDIT_RETENTION_DAYS (AG Art. 18.5: two years), one an hour at most. */
@Injectable()
export class ForgetAuditTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly partitions: AuditPartitionStore,
    private readonly keys: PlatformKeyStore,
    private readonly options: SchedulerOptions,
    @Inject(CheckpointArchive) private readonly archive: CheckpointArchive | null,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = every('forget-audit', EVERY_MS, () => this.pass(), { log: this.log });
    // A platform that was off for months must not wait an hour.
    this.timer.now();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }

  private async pass(): Promise<void> {
    await this.partitions.makeAhead();
    const { kid, privatePem } = await this.keys.current(newPlatformKey);
    const { origin, auditRetentionDays } = this.options;
    const forgotten = await this.partitions.forgetOldest(origin, platformKeyOf(kid, privatePem), auditRetentionDays);
    if (!forgotten) return;
    this.log.info({ step: 'forget-audit', month: forgotten.name }, 'forget-audit done');
    await this.archive?.put(`tombstone-${forgotten.name}.jws`, forgotten.jws);
  }
}
