import { AuditBacklog, DatabaseClock, Transactions } from '@lienthong/persistence';
import { Queue } from '@lienthong/queue';
import { HealthChecks, Metrics, watchClock } from '@lienthong/runtime';
import { openArchive, Storage, type StorageSettings } from '@lienthong/storage';
import { type DynamicModule, Module } from '@nestjs/common';
import { AnalysePacket } from './analyse-packet/analyse-packet';
import { AnalysePacketConsumer } from './analyse-packet/analyse-packet.consumer';
import { BuryDeadLetters } from './bury-dead-letters/bury-dead-letters';
import { BuryDeadLettersTimer } from './bury-dead-letters/bury-dead-letters.timer';
import { CheckContent } from './check-content/check-content';
import { CheckContentConsumer } from './check-content/check-content.consumer';
import { CheckConservation } from './check-conservation/check-conservation';
import { CheckConservationTimer } from './check-conservation/check-conservation.timer';
import { CheckStore } from './check-store/check-store';
import { CheckStoreTimer } from './check-store/check-store.timer';
import { CloseUnusedSpaces } from './close-unused-spaces/close-unused-spaces';
import { CloseUnusedSpacesTimer } from './close-unused-spaces/close-unused-spaces.timer';
import { ForgetAuditTimer } from './forget-audit/forget-audit.timer';
import { ForgetExpiredTimer } from './forget-expired/forget-expired.timer';
import { GiveTurns } from './give-turns/give-turns';
import { GiveTurnsTimer } from './give-turns/give-turns.timer';
import { PlanDelivery } from './plan-delivery/plan-delivery';
import { PurgeContent } from './purge-content/purge-content';
import { PurgeContentConsumer } from './purge-content/purge-content.consumer';
import { RemindDestination } from './remind-destination/remind-destination';
import { RemindDestinationTimer } from './remind-destination/remind-destination.timer';
import { RelayOutboxTimer } from './relay-outbox/relay-outbox.timer';
import { SchedulerOptions } from './scheduler.config';
import { CheckpointArchive, SealAudit } from './seal-audit/seal-audit';
import { SealAuditTimer } from './seal-audit/seal-audit.timer';
import { SweepLostWork } from './sweep-lost-work/sweep-lost-work';
import { SweepLostWorkTimer } from './sweep-lost-work/sweep-lost-work.timer';
import { WarnExpiringKeys } from './warn-expiring-keys/warn-expiring-keys';
import { WarnExpiringKeysTimer } from './warn-expiring-keys/warn-expiring-keys.timer';
import { WarnOfDeadlines } from './warn-of-deadlines/warn-of-deadlines';
import { WarnOfDeadlinesTimer } from './warn-of-deadlines/warn-of-deadlines.timer';
import { WatchDeadlines } from './watch-deadlines/watch-deadlines';
import { WatchDeadlinesTimer } from './watch-deadlines/watch-deadlines.timer';

/** Analysis, planning, purge, and the timers that see to it that nothing stands still. Needs persistence, queue and storage beside it. */
@Module({
  controllers: [AnalysePacketConsumer, PurgeContentConsumer, CheckContentConsumer],
  providers: [
    AnalysePacket,
    PlanDelivery,
    PurgeContent,
    CheckContent,
    WatchDeadlines,
    WatchDeadlinesTimer,
    WarnOfDeadlines,
    WarnOfDeadlinesTimer,
    RemindDestination,
    RemindDestinationTimer,
    RelayOutboxTimer,
    GiveTurns,
    GiveTurnsTimer,
    SweepLostWork,
    SweepLostWorkTimer,
    BuryDeadLetters,
    BuryDeadLettersTimer,
    CloseUnusedSpaces,
    CloseUnusedSpacesTimer,
    ForgetAuditTimer,
    ForgetExpiredTimer,
    CheckConservation,
    CheckConservationTimer,
    CheckStore,
    CheckStoreTimer,
    SealAudit,
    SealAuditTimer,
    WarnExpiringKeys,
    WarnExpiringKeysTimer,
  ],
})
export class SchedulerModule {
  constructor(
    health: HealthChecks,
    transactions: Transactions,
    queue: Queue,
    storage: Storage,
    backlog: AuditBacklog,
    metrics: Metrics,
    clock: DatabaseClock,
  ) {
    health.register('database', async () => void (await transactions.query('SELECT 1')));
    watchClock(health, metrics, () => clock.aheadMs());
    health.register('queue', () => queue.check());
    health.register('storage', () => storage.check());
    health.register('audit', () => backlog.mustBeSealed());
  }

  /** @throws Error with one sentence when the place for checkpoints is a bucket and no S3 server is set */
  static for(options: SchedulerOptions, storage: StorageSettings): DynamicModule {
    const s3 = storage.driver === 's3' ? storage : undefined;
    const archive = options.auditExport ? openArchive(options.auditExport, s3) : null;
    return {
      module: SchedulerModule,
      providers: [
        { provide: SchedulerOptions, useValue: options },
        { provide: CheckpointArchive, useValue: archive },
      ],
    };
  }
}

export { schedulerOptionsOf, schedulingSettings } from './scheduler.config';
