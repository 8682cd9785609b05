import { AuthModule } from '@lienthong/auth';
import { ConnectorModule, connectorOptionsOf } from '@lienthong/connector';
import { IdentityModule, type MasterKeys } from '@lienthong/identity';
import { NotifierModule, notifierOptionsOf } from '@lienthong/notifier';
import { DatabaseClock, OutboxStore, PersistenceModule } from '@lienthong/persistence';
import { PromptRelay, QueueModule, queueSettingsOf } from '@lienthong/queue';
import { type ConfigOf, firstReminderOf } from '@lienthong/runtime';
import { schedulerOptionsOf, SchedulerModule } from '@lienthong/scheduler';
import { type Storage, StorageModule, storageSettingsOf } from '@lienthong/storage';
import { type DynamicModule, Module } from '@nestjs/common';
import type { standaloneSettings } from './standalone.config';

type Declared = ConfigOf<typeof standaloneSettings>;
type Given = 'PUBLIC_URL' | 'DATABASE_URL' | 'PLATFORM_SECRET' | 'ADMIN_KEY_FILE';
/** The settings with everything that the embedded default fills in. */
export type StandaloneConfig = Omit<Declared, Given> & Record<Given, string>;

/** Every app's module in one process: composes, and has no logic of its own. */
@Module({})
// oxlint-disable-next-line typescript/no-extraneous-class -- the shape that Nest gives to a dynamic module
export class StandaloneModule {
  static for(
    config: StandaloneConfig,
    { masterKeys, storage }: { masterKeys: MasterKeys; storage: Storage },
  ): DynamicModule {
    return {
      module: StandaloneModule,
      imports: [
        PersistenceModule.for({
          url: config.DATABASE_URL,
          poolSize: config.DATABASE_POOL,
          applicationName: 'lienthong',
          platformSecret: config.PLATFORM_SECRET,
          issuer: config.PUBLIC_URL,
          relay: PromptRelay,
          firstReminder: firstReminderOf(config),
          auditMaxUnsealedHours: config.AUDIT_MAX_UNSEALED_HOURS,
        }),
        QueueModule.forConsuming(queueSettingsOf(config), OutboxStore),
        StorageModule.for(storage, DatabaseClock),
        IdentityModule.for({
          platformSecret: config.PLATFORM_SECRET,
          accessKeys: masterKeys,
        }),
        AuthModule.for({
          adminKeyFile: config.ADMIN_KEY_FILE,
          publicUrl: config.PUBLIC_URL,
          tokenSeconds: config.BEARER_TOKEN_SECONDS,
        }),
        ConnectorModule.for(connectorOptionsOf(config)),
        SchedulerModule.for(schedulerOptionsOf(config), storageSettingsOf(config)),
        NotifierModule.for(notifierOptionsOf(config)),
      ],
    };
  }
}
