import { type DynamicModule, Inject, Module, type OnApplicationShutdown, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { ConnectionStore } from './connection.store';
import { type DatabaseSettings, assertDurable, assertMigrated, createDataSource } from './data-source';
import { DeliveryStore } from './delivery.store';
import { EventStreamStore } from './event-stream.store';
import { KeyStore } from './key.store';
import { NonceStore } from './nonce.store';
import { OutboxStore } from './outbox.store';
import { PacketListStore } from './packet-list.store';
import { PacketStore } from './packet.store';
import { PlatformKeyStore } from './platform-key.store';
import { ReceiptStore } from './receipt.store';
import { SessionStore } from './session.store';
import { StreamTicketStore } from './stream-ticket.store';
import { TimelineStore } from './timeline.store';
import { AfterCommit, Transactions } from './transactions';
import { WatchStore } from './watch.store';

export interface PersistenceSettings extends DatabaseSettings {
  /** The secret of the whole platform: the platform's signing keys are sealed under a key derived from it. */
  platformSecret: string;
  /** `iss` of the receipts: the platform's public address. */
  issuer: string;
  /** Brings the database to this program's version by itself: the embedded default only. Elsewhere a missing migration refuses to start. */
  migrate?: boolean;
}

/** A store is made of nothing but `Transactions`; whoever writes one adds it here. */
const STORES: Type[] = [
  ConnectionStore,
  DeliveryStore,
  EventStreamStore,
  KeyStore,
  NonceStore,
  OutboxStore,
  PacketListStore,
  PacketStore,
  SessionStore,
  StreamTicketStore,
  TimelineStore,
  WatchStore,
];

/**
 * The one way to PostgreSQL in a process. Imported once, by whoever composes the process (`main.ts` of an app, or standalone): a dynamic module
 * imported twice would be two pools. Global, so that the apps' modules only name the stores they inject.
 *
 * `AfterCommit` is looked up when the first commit has something to tell, not at construction: whoever implements it sends through a queue and
 * needs stores itself. Without one nothing is lost, the relay's timer does the same.
 */
@Module({})
export class PersistenceModule implements OnApplicationShutdown {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  static for(settings: PersistenceSettings): DynamicModule {
    const stores = STORES.map((store) => ({
      provide: store,
      inject: [Transactions],
      useFactory: (transactions: Transactions) => new store(transactions) as object,
    }));
    return {
      module: PersistenceModule,
      global: true,
      providers: [
        { provide: DataSource, useFactory: () => openDatabase(settings) },
        {
          provide: Transactions,
          inject: [DataSource, ModuleRef],
          useFactory: (dataSource: DataSource, modules: ModuleRef) => {
            const afterCommit = () => modules.get<AfterCommit>(AfterCommit, { strict: false });
            return new Transactions(dataSource, lazily(afterCommit));
          },
        },
        {
          provide: PlatformKeyStore,
          inject: [Transactions],
          useFactory: (transactions: Transactions) => new PlatformKeyStore(transactions, settings.platformSecret),
        },
        {
          provide: ReceiptStore,
          inject: [Transactions, PlatformKeyStore],
          useFactory: (transactions: Transactions, keys: PlatformKeyStore) =>
            new ReceiptStore(transactions, keys, settings.issuer),
        },
        ...stores,
      ],
      exports: [DataSource, Transactions, PlatformKeyStore, ReceiptStore, ...STORES],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}

/** @throws Error with one sentence: server out of reach, may forget what it commits, or not migrated */
async function openDatabase(settings: PersistenceSettings): Promise<DataSource> {
  const dataSource = await createDataSource(settings).initialize();
  try {
    await assertDurable(dataSource);
    if (settings.migrate) await dataSource.runMigrations({ transaction: 'all' });
    await assertMigrated(dataSource);
    return dataSource;
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}

function lazily(find: () => AfterCommit): AfterCommit {
  let found: AfterCommit | null | undefined;
  const listener = () => {
    if (found === undefined) {
      try {
        found = find();
      } catch {
        found = null;
      }
    }
    return found;
  };
  return { tasks: (rows) => listener()?.tasks(rows), events: () => listener()?.events() };
}
