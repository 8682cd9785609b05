import {
  AccessKeyVerifier,
  answerAccessKeyChecks,
  IdentityModule,
  InternalCalls,
  masterKeyOf,
} from '@lienthong/identity';
import { OutboxStore, PersistenceModule } from '@lienthong/persistence';
import { PromptRelay, QueueModule, queueSettingsOf } from '@lienthong/queue';
import { boot, BootError, createLog, readConfig, start } from '@lienthong/runtime';
import { Module } from '@nestjs/common';
import { AuthModule } from './app.module';
import { authSettings } from './auth.config';

start(async () => {
  const config = readConfig(authSettings, process.env);
  const log = createLog({ name: 'auth', level: config.LOG_LEVEL });
  const masterKey = masterKeyOf(config.MASTER_KEY);
  if (!masterKey) throw new BootError('MASTER_KEY must be 32 bytes in hex or base64url.');

  @Module({
    imports: [
      PersistenceModule.for({
        url: config.DATABASE_URL,
        poolSize: config.DATABASE_POOL,
        applicationName: 'auth',
        platformSecret: config.PLATFORM_SECRET,
        issuer: config.PUBLIC_URL,
        relay: PromptRelay,
      }),
      QueueModule.forSending(queueSettingsOf(config), OutboxStore),
      IdentityModule.for({ platformSecret: config.PLATFORM_SECRET, accessKeys: { masterKey } }),
      AuthModule.for({ publicUrl: config.PUBLIC_URL, adminKeyFile: config.ADMIN_KEY_FILE }),
    ],
  })
  class AuthProcess {}

  await boot({
    name: 'auth',
    module: AuthProcess,
    config,
    log,
    internal: (router, app) => answerAccessKeyChecks(router, app.get(AccessKeyVerifier), app.get(InternalCalls)),
  });
});
