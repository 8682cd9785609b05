import { tokenForm } from '@lienthong/auth';
import { urgencyOf } from '@lienthong/connector';
import { resolve } from 'node:path';
import { TASK_KINDS } from '@lienthong/contracts';
import { readMasterKeys } from '@lienthong/identity';
import { DeadTaskStore, EmbeddedPostgres, OutboxStore, prepareEmbedded, reachDatabase } from '@lienthong/persistence';
import { Queue, taskServer } from '@lienthong/queue';
import {
  assertPortFree,
  awaitServers,
  boot,
  BootError,
  createLog,
  ownProcess,
  Metrics,
  readConfig,
  start,
} from '@lienthong/runtime';
import { createStorage, storageRoutes, storageSettingsOf } from '@lienthong/storage';
import type { DynamicModule } from '@nestjs/common';
import { StandaloneModule } from './app.module';
import { holdFolder } from './folder-lock';
import { localSecrets } from './local-secrets';
import { standaloneSettings } from './standalone.config';
import { welcome } from './welcome';

start(async () => {
  const config = readConfig(standaloneSettings, process.env);
  const log = createLog({ name: 'lienthong', level: config.LOG_LEVEL });
  await assertPortFree(config);
  const folder = resolve(config.DATA_DIR);
  const secrets = localSecrets(folder);
  const postgres = config.DATABASE_URL ? undefined : new EmbeddedPostgres(folder, (message) => log.warn({}, message));
  const settings = {
    ...config,
    DATA_DIR: folder,
    PUBLIC_URL: config.PUBLIC_URL ?? `http://127.0.0.1:${config.PORT}`,
    DATABASE_URL: config.DATABASE_URL ?? '',
    PLATFORM_SECRET: config.PLATFORM_SECRET ?? secrets.platformSecret,
    ADMIN_KEY_FILE: config.ADMIN_KEY_FILE ?? resolve(folder, 'admin-key.json'),
  };
  const given = config.MASTER_KEY ?? config.MASTER_KEY_COMMAND;
  const masterKeys = await readMasterKeys(given === undefined ? { ...config, MASTER_KEY: secrets.masterKey } : config);
  const release = holdFolder(folder);
  const last = async () => {
    await postgres?.stop();
    release();
  };
  // From here on there is something to be stopped, also while servers are waited for.
  ownProcess(log, last);
  try {
    if (postgres) settings.DATABASE_URL = await prepareEmbedded(await postgres.start());
  } catch (error) {
    await last();
    throw new BootError((error as Error).message);
  }
  const storage = createStorage(storageSettingsOf(settings));
  await awaitServers({
    name: 'lienthong',
    servers: {
      ...(!postgres && { database: () => reachDatabase(settings.DATABASE_URL) }),
      ...(settings.STORAGE === 's3' && { storage: () => storage.check() }),
    },
    config,
    log,
  }).catch(async (error: unknown) => {
    await last();
    throw error;
  });
  let module: DynamicModule;
  try {
    module = StandaloneModule.for(settings, { masterKeys, storage });
  } catch (error) {
    await last();
    throw error;
  }
  const { port } = await boot({
    name: 'lienthong',
    module,
    config: settings,
    log,
    last,
    before: [...tokenForm, ...storageRoutes(storage)],
    urgencyOf,
    microservice: (app) =>
      taskServer({
        queue: app.get(Queue),
        outbox: app.get(OutboxStore),
        deadTasks: app.get(DeadTaskStore),
        metrics: app.get(Metrics),
        taskSeconds: settings.TASK_SECONDS,
        kinds: TASK_KINDS,
        log,
      }),
  });
  process.stderr.write(welcome(port, settings.ADMIN_KEY_FILE));
});
