import {
  AccessKeyVerifier,
  answerInternalCalls,
  DayKeys,
  IdentityModule,
  InternalCalls,
  readMasterKeys,
  WebhookSecrets,
} from '@lienthong/identity';
import { OutboxStore, PersistenceModule, reachDatabase } from '@lienthong/persistence';
import { PromptRelay, QueueModule, queueSettingsOf } from '@lienthong/queue';
import { awaitServers, boot, createLog, readConfig, start } from '@lienthong/runtime';
import { Module } from '@nestjs/common';
import { tokenForm } from './issue-token/token-form';
import { AuthModule } from './app.module';
import { authSettings } from './auth.config';

start(async () => {
  const config = readConfig(authSettings, process.env);
  const log = createLog({ name: 'auth', level: config.LOG_LEVEL });
  const masterKeys = await readMasterKeys(config);

  await awaitServers({ name: 'auth', servers: { database: () => reachDatabase(config.DATABASE_URL) }, config, log });

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
      IdentityModule.for({ platformSecret: config.PLATFORM_SECRET, accessKeys: masterKeys }),
      AuthModule.for({
        publicUrl: config.PUBLIC_URL,
        tokenSeconds: config.BEARER_TOKEN_SECONDS,
        adminKeyFile: config.ADMIN_KEY_FILE,
      }),
    ],
  })
  class AuthProcess {}

  await boot({
    name: 'auth',
    before: tokenForm,
    module: AuthProcess,
    config,
    log,
    internal: (router, app) =>
      answerInternalCalls(
        router,
        {
          verifier: app.get(AccessKeyVerifier),
          dayKeys: app.get(DayKeys),
          webhookSecrets: app.get(WebhookSecrets),
        },
        app.get(InternalCalls),
      ),
  });
});
