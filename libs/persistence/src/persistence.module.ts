import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationShutdown,
  type Provider,
  type Type,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { actAsComponent } from './audit/actor';
import { AuditBacklog } from './audit/audit-backlog';
import { AuditBundleStore } from './audit/audit-bundle.store';
import { AuditPartitionStore } from './audit/audit-partitions.store';
import { AuditSealStore } from './audit/audit-seal.store';
import { AuditStore } from './audit/audit.store';
import { DataServiceStore } from './access/data-service.store';
import { AccessRightStore } from './access/access-right.store';
import { AnnounceDeliveries } from './exchange/announce-deliveries';
import { BlockedPurgeStore } from './operations/blocked-purge.store';
import { CalendarStore } from './ladder/calendar.store';
import { EmailStore } from './ladder/email.store';
import { ReminderStore } from './ladder/reminder.store';
import { ContactCountStore } from './contact/contact-count.store';
import { WebhookSecretStore } from './contact/webhook-secret.store';
import { WebhookStore } from './contact/webhook.store';
import { WebhookTurnStore } from './contact/webhook-turn.store';
import { ConnectionStore } from './exchange/connection.store';
import { type DatabaseSettings, assertDurable, assertMigrated, createDataSource } from './data-source';
import { DatabaseClock } from './access/database-clock';
import { DayKeyRootStore } from './access/day-key-root.store';
import { DeadTaskStore } from './operations/dead-task.store';
import { DeliveryListStore } from './lists/delivery-list.store';
import { DeliveryStore, type FirstReminder } from './exchange/delivery.store';
import { ConservationStore } from './operations/conservation.store';
import { ContentPlaceStore } from './operations/content-place.store';
import { PurgeBacklogStore } from './operations/purge-backlog.store';
import { DepthStore } from './operations/depth.store';
import { EventStreamStore } from './exchange/event-stream.store';
import { GrantStore } from './registry/grant.store';
import { KeyStore } from './access/key.store';
import { NonceStore } from './access/nonce.store';
import { type OutboxRow, OutboxStore } from './outbox.store';
import { OpenSpaceStore } from './exchange/open-space.store';
import { PacketListStore } from './lists/packet-list.store';
import { PacketStore } from './exchange/packet.store';
import { PlatformKeyStore } from './access/platform-key.store';
import { ReceiptStore } from './exchange/receipt.store';
import { AgencyStore } from './registry/registry-agencies.store';
import { DirectoryStore } from './registry/registry-directory.store';
import { SystemStore } from './registry/registry-systems.store';
import { RoutingStore } from './registry/routing.store';
import { SessionStore } from './access/session.store';
import { SettlePacket } from './exchange/settle-packet';
import { StreamListener } from './exchange/stream-listener';
import { StuckPacketStore } from './operations/stuck-packet.store';
import { StreamTicketStore } from './access/stream-ticket.store';
import { TimelineStore } from './exchange/timeline.store';
import { DeadlineStore } from './scheduling/deadline.store';
import { GiveUp } from './scheduling/give-up';
import { PolicyRulesStore } from './scheduling/policy-rules.store';
import { RefusedConfirmationStore } from './scheduling/refused-confirmation.store';
import { ResendStore } from './scheduling/resend.store';
import { TurnStore } from './scheduling/turn.store';
import { UndeliverableStore } from './scheduling/undeliverable.store';
import { type AfterCommit, Transactions } from './transactions';
import { WatchStore } from './exchange/watch.store';

export interface PersistenceSettings extends DatabaseSettings {
  /** The secret of the whole platform: the platform's signing keys are sealed under a key derived from it. */
  platformSecret: string;
  /** `iss` of the receipts: the platform's public address. */
  issuer: string;
  /** Past this age of the oldest entry that is not sealed, new packets are refused; 4 by default. */
  auditMaxUnsealedHours?: number;
  /** How long a delivery may wait before its destination is reminded; null: it never is. For who makes deliveries. */
  firstReminder?: FirstReminder | null;
  /** Token of what sends committed tasks at once. Without one, or while it cannot, the relay's timer does it. */
  relay?: Type<{ offer(rows: OutboxRow[]): void }>;
}

/** A store is made of nothing but `Transactions`; whoever writes one adds it here. */
const STORES: Type[] = [
  AccessRightStore,
  DataServiceStore,
  AgencyStore,
  AuditBundleStore,
  AuditPartitionStore,
  AuditSealStore,
  AuditStore,
  BlockedPurgeStore,
  CalendarStore,
  ConnectionStore,
  ContactCountStore,
  DayKeyRootStore,
  DeadTaskStore,
  DeliveryListStore,
  DeadlineStore,
  ConservationStore,
  ContentPlaceStore,
  DepthStore,
  DirectoryStore,
  GrantStore,
  KeyStore,
  NonceStore,
  OpenSpaceStore,
  OutboxStore,
  PacketListStore,
  PacketStore,
  PolicyRulesStore,
  PurgeBacklogStore,
  RoutingStore,
  SessionStore,
  StreamTicketStore,
  StuckPacketStore,
  SystemStore,
  TimelineStore,
  RefusedConfirmationStore,
  ReminderStore,
  ResendStore,
  TurnStore,
  UndeliverableStore,
  WatchStore,
  WebhookSecretStore,
  WebhookStore,
  WebhookTurnStore,
];

/**
 * The one way to PostgreSQL in a process. Imported once, by whoever composes the process (`main.ts` of an app, or standalone): a dynamic module
 * imported twice would be two pools. Global, so that the apps' modules only name the stores they inject.
 */
@Module({})
export class PersistenceModule implements OnApplicationShutdown {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(StreamListener) private readonly listener: StreamListener,
  ) {}

  static for(settings: PersistenceSettings): DynamicModule {
    actAsComponent(settings.applicationName);
    const providers = [
      ...STORES.map((store) => made(store, [Transactions], (t: Transactions) => new store(t) as object)),
      ...derived(settings),
    ];
    return { module: PersistenceModule, global: true, providers, exports: providers.map(({ provide }) => provide) };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.listener.close();
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}

const made = <T>(
  provide: Type<T> | (abstract new (...args: never[]) => T),
  inject: unknown[],
  useFactory: (...args: never[]) => unknown,
) => ({ provide, inject, useFactory }) as Extract<Provider, { useFactory: unknown }>;

function derived(settings: PersistenceSettings) {
  return [
    made(DataSource, [], () => openDatabase(settings)),
    made(
      Transactions,
      [DataSource, ModuleRef],
      (dataSource: DataSource, modules: ModuleRef) => new Transactions(dataSource, afterCommit(modules, settings)),
    ),
    made(DatabaseClock, [Transactions], async (t: Transactions) => {
      const clock = new DatabaseClock(t);
      await clock.look();
      return clock;
    }),
    made(
      AuditBacklog,
      [AuditStore],
      (audit: AuditStore) => new AuditBacklog(audit, settings.auditMaxUnsealedHours ?? 4),
    ),
    made(EventStreamStore, [Transactions], (t: Transactions) => new EventStreamStore(t, settings.issuer)),
    made(DeliveryStore, [Transactions], (t: Transactions) => new DeliveryStore(t, settings.firstReminder)),
    made(EmailStore, [Transactions, TimelineStore], (t: Transactions, told: TimelineStore) => new EmailStore(t, told)),
    made(PlatformKeyStore, [Transactions], (t: Transactions) => new PlatformKeyStore(t, settings.platformSecret)),
    made(
      ReceiptStore,
      [Transactions, PlatformKeyStore],
      (t: Transactions, keys: PlatformKeyStore) => new ReceiptStore(t, keys, settings.issuer),
    ),
    made(
      AnnounceDeliveries,
      [DeliveryStore, EventStreamStore, TimelineStore],
      (...stores: ConstructorParameters<typeof AnnounceDeliveries>) => new AnnounceDeliveries(...stores),
    ),
    made(
      SettlePacket,
      [PacketStore, DeliveryStore, EventStreamStore, TimelineStore],
      (...stores: ConstructorParameters<typeof SettlePacket>) => new SettlePacket(...stores),
    ),
    made(
      GiveUp,
      [Transactions, UndeliverableStore, PacketStore, EventStreamStore, ReceiptStore, TimelineStore, SettlePacket],
      (...stores: ConstructorParameters<typeof GiveUp>) => new GiveUp(...stores),
    ),
    made(StreamListener, [], () => new StreamListener(settings.url)),
  ];
}

/** Looked up at the first commit that has something to tell: the relay and the stream need stores themselves. */
function afterCommit(modules: ModuleRef, { relay }: PersistenceSettings): AfterCommit {
  return {
    tasks: (rows) => relay && modules.get(relay, { strict: false }).offer(rows),
    events: () =>
      void modules
        .get(EventStreamStore, { strict: false })
        .number()
        .catch(() => undefined),
  };
}

/** @throws Error with one sentence: server out of reach, may forget what it commits, or not migrated */
async function openDatabase(settings: PersistenceSettings): Promise<DataSource> {
  const dataSource = await createDataSource(settings).initialize();
  try {
    await assertDurable(dataSource);
    await assertMigrated(dataSource);
    return dataSource;
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}
