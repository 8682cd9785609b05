import { TASK_HANDLERS, TASK_KINDS } from '@lienthong/contracts';
import { DatabaseClock, DeadTaskStore, OutboxStore, PersistenceModule, reachDatabase } from '@lienthong/persistence';
import { PromptRelay, Queue, QueueModule, queueSettingsOf, taskServer } from '@lienthong/queue';
import { awaitServers, boot, createLog, firstReminderOf, Metrics, readConfig, start } from '@lienthong/runtime';
import { createStorage, StorageModule, storageSettingsOf } from '@lienthong/storage';
import { Module } from '@nestjs/common';
import { SchedulerModule } from './app.module';
import { schedulerOptionsOf, schedulerSettings } from './scheduler.config';

start(async () => {
  const config = readConfig(schedulerSettings, process.env);
  const log = createLog({ name: 'scheduler', level: config.LOG_LEVEL });
  const storage = createStorage(storageSettingsOf(config));
  await awaitServers({
    name: 'scheduler',
    servers: { database: () => reachDatabase(config.DATABASE_URL), storage: () => storage.check() },
    config,
    log,
  });

  @Module({
    imports: [
      PersistenceModule.for({
        url: config.DATABASE_URL,
        poolSize: config.DATABASE_POOL,
        applicationName: 'scheduler',
        platformSecret: config.PLATFORM_SECRET,
        issuer: config.PUBLIC_URL,
        relay: PromptRelay,
        firstReminder: firstReminderOf(config),
        auditMaxUnsealedHours: config.AUDIT_MAX_UNSEALED_HOURS,
      }),
      QueueModule.forConsuming(queueSettingsOf(config), OutboxStore),
      StorageModule.for(storage, DatabaseClock),
      SchedulerModule.for(schedulerOptionsOf(config), storageSettingsOf(config)),
    ],
  })
  class SchedulerProcess {}

  await boot({
    name: 'scheduler',
    module: SchedulerProcess,
    config,
    log,
    microservice: (app) =>
      taskServer({
        queue: app.get(Queue),
        outbox: app.get(OutboxStore),
        deadTasks: app.get(DeadTaskStore),
        metrics: app.get(Metrics),
        taskSeconds: config.TASK_SECONDS,
        kinds: TASK_KINDS.filter((kind) => TASK_HANDLERS[kind] === 'scheduler'),
        log,
      }),
  });
});
