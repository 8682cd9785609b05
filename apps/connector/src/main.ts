import { IdentityModule } from '@lienthong/identity';
import { DatabaseClock, OutboxStore, PersistenceModule, reachDatabase } from '@lienthong/persistence';
import { PromptRelay, QueueModule, queueSettingsOf } from '@lienthong/queue';
import { awaitServers, boot, createLog, firstReminderOf, readConfig, start } from '@lienthong/runtime';
import { createStorage, StorageModule, storageRoutes, storageSettingsOf } from '@lienthong/storage';
import { Module } from '@nestjs/common';
import { ConnectorModule, urgencyOf } from './app.module';
import { connectorOptionsOf, connectorSettings } from './connector.config';

start(async () => {
  const config = readConfig(connectorSettings, process.env);
  const log = createLog({ name: 'connector', level: config.LOG_LEVEL });
  const storage = createStorage(storageSettingsOf(config));

  await awaitServers({
    name: 'connector',
    servers: { database: () => reachDatabase(config.DATABASE_URL), storage: () => storage.check() },
    config,
    log,
  });

  @Module({
    imports: [
      PersistenceModule.for({
        url: config.DATABASE_URL,
        poolSize: config.DATABASE_POOL,
        applicationName: 'connector',
        platformSecret: config.PLATFORM_SECRET,
        issuer: config.PUBLIC_URL,
        relay: PromptRelay,
        firstReminder: firstReminderOf(config),
        auditMaxUnsealedHours: config.AUDIT_MAX_UNSEALED_HOURS,
      }),
      QueueModule.forSending(queueSettingsOf(config), OutboxStore),
      StorageModule.for(storage, DatabaseClock),
      IdentityModule.for({
        platformSecret: config.PLATFORM_SECRET,
        accessKeys: { authUrls: config.AUTH_INTERNAL_URL },
      }),
      ConnectorModule.for(connectorOptionsOf(config)),
    ],
  })
  class ConnectorProcess {}

  await boot({
    name: 'connector',
    module: ConnectorProcess,
    config,
    log,
    before: storageRoutes(storage),
    urgencyOf,
  });
});
