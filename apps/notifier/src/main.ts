import { TASK_HANDLERS, TASK_KINDS } from '@lienthong/contracts';
import { IdentityModule } from '@lienthong/identity';
import { DeadTaskStore, OutboxStore, PersistenceModule, reachDatabase } from '@lienthong/persistence';
import { PromptRelay, Queue, QueueModule, queueSettingsOf, taskServer } from '@lienthong/queue';
import { awaitServers, boot, createLog, Metrics, readConfig, start } from '@lienthong/runtime';
import { Module } from '@nestjs/common';
import { NotifierModule } from './app.module';
import { notifierOptionsOf, notifierSettings } from './notifier.config';

start(async () => {
  const config = readConfig(notifierSettings, process.env);
  const log = createLog({ name: 'notifier', level: config.LOG_LEVEL });

  await awaitServers({
    name: 'notifier',
    servers: { database: () => reachDatabase(config.DATABASE_URL) },
    config,
    log,
  });

  @Module({
    imports: [
      PersistenceModule.for({
        url: config.DATABASE_URL,
        poolSize: config.DATABASE_POOL,
        applicationName: 'notifier',
        platformSecret: config.PLATFORM_SECRET,
        issuer: config.PUBLIC_URL,
        relay: PromptRelay,
      }),
      QueueModule.forConsuming(queueSettingsOf(config), OutboxStore),
      IdentityModule.for({
        platformSecret: config.PLATFORM_SECRET,
        accessKeys: { authUrls: config.AUTH_INTERNAL_URL },
      }),
      NotifierModule.for(notifierOptionsOf(config)),
    ],
  })
  class NotifierProcess {}

  await boot({
    name: 'notifier',
    module: NotifierProcess,
    config,
    log,
    microservice: (app) =>
      taskServer({
        queue: app.get(Queue),
        outbox: app.get(OutboxStore),
        deadTasks: app.get(DeadTaskStore),
        metrics: app.get(Metrics),
        taskSeconds: config.TASK_SECONDS,
        kinds: TASK_KINDS.filter((kind) => TASK_HANDLERS[kind] === 'notifier'),
        log,
      }),
  });
});
