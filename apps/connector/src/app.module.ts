import { HealthChecks, Metrics, watchClock } from '@lienthong/runtime';
import { AuditBacklog, DatabaseClock, Transactions } from '@lienthong/persistence';
import { Storage } from '@lienthong/storage';
import { type DynamicModule, Module } from '@nestjs/common';
import { CompleteUpload } from './complete-upload/complete-upload';
import { CompleteUploadController } from './complete-upload/complete-upload.controller';
import { ConnectorOptions } from './connector.config';
import { ConfirmReceipt } from './confirm-receipt/confirm-receipt';
import { RefusedConfirmation } from './confirm-receipt/refused-confirmation';
import { ConfirmReceiptController } from './confirm-receipt/confirm-receipt.controller';
import { ExtendPacket } from './extend-packet/extend-packet';
import { ExtendPacketController } from './extend-packet/extend-packet.controller';
import { ListDeliveriesController } from './list-deliveries/list-deliveries.controller';
import { PublishDocsController } from './publish-docs/publish-docs.controller';
import { PublishLimitsController } from './publish-limits/publish-limits.controller';
import { PollCounts } from './read-events/poll-counts';
import { ReadEvents } from './read-events/read-events';
import { ReadEventsController } from './read-events/read-events.controller';
import { ReadPacket } from './read-packet/read-packet';
import { ReadPacketController } from './read-packet/read-packet.controller';
import { ReadyToReceive } from './ready-to-receive/ready-to-receive';
import { ReadyToReceiveController } from './ready-to-receive/ready-to-receive.controller';
import { RecallPacket } from './recall-packet/recall-packet';
import { RecallPacketController } from './recall-packet/recall-packet.controller';
import { ResendPacket } from './resend-packet/resend-packet';
import { ResendPacketController } from './resend-packet/resend-packet.controller';
import { ReportStatus } from './report-status/report-status';
import { ReportStatusController } from './report-status/report-status.controller';
import { RequestSpace } from './request-space/request-space';
import { RequestSpaceController } from './request-space/request-space.controller';
import { SpaceQuota } from './request-space/space-quota';
import { StoreRoom } from './request-space/store-room';
import { UploadSpaces } from './request-space/upload-space';
import { WatchPressure } from './watch-pressure';

export { urgencyOf } from './urgency';

/** The steps that clients call about packets, deliveries and events. Needs persistence, queue, storage and identity beside it in the process. */
@Module({
  controllers: [
    RequestSpaceController,
    CompleteUploadController,
    ListDeliveriesController,
    ReadyToReceiveController,
    ConfirmReceiptController,
    RecallPacketController,
    ExtendPacketController,
    ResendPacketController,
    ReportStatusController,
    ReadPacketController,
    ReadEventsController,
    PublishLimitsController,
    PublishDocsController,
  ],
  providers: [
    RequestSpace,
    SpaceQuota,
    StoreRoom,
    UploadSpaces,
    CompleteUpload,
    ReadyToReceive,
    ConfirmReceipt,
    RefusedConfirmation,
    RecallPacket,
    ExtendPacket,
    ResendPacket,
    ReportStatus,
    ReadPacket,
    PollCounts,
    ReadEvents,
    WatchPressure,
  ],
})
export class ConnectorModule {
  /** The broker is no condition: without it packets are still taken and streams still served; the outbox waits. */
  constructor(
    health: HealthChecks,
    transactions: Transactions,
    storage: Storage,
    backlog: AuditBacklog,
    metrics: Metrics,
    clock: DatabaseClock,
  ) {
    health.register('database', async () => void (await transactions.query('SELECT 1')));
    watchClock(health, metrics, () => clock.aheadMs());
    health.register('storage', () => storage.check());
    health.register('audit', () => backlog.mustBeSealed());
  }

  static for(options: ConnectorOptions): DynamicModule {
    return { module: ConnectorModule, providers: [{ provide: ConnectorOptions, useValue: options }] };
  }
}

export { connectorOptionsOf, policySettings } from './connector.config';
