import {
  databaseSettings,
  ladderSettings,
  processSettings,
  queueSettings,
  setting,
  storageSettings,
  taskSettings,
} from '@lienthong/runtime';
import { authenticationSettings } from '@lienthong/auth';
import { policySettings } from '@lienthong/connector';
import { mailSettings, streamSettings, webhookSettings } from '@lienthong/notifier';
import { schedulingSettings } from '@lienthong/scheduler';

/** The embedded default: nothing must be set. A server that is set (DATABASE_URL, RABBITMQ_URL, S3_ENDPOINT) is used instead of the embedded one. */
export const standaloneSettings = {
  ...processSettings,
  PORT: setting.integer('Port of the public API', { default: 8080, min: 0, max: 65535 }),
  PUBLIC_URL: setting.url('Address under which clients reach the platform; http://127.0.0.1:PORT by default', {
    optional: true,
  }),
  ...databaseSettings,
  DATABASE_URL: setting.url('PostgreSQL server; an embedded one by default', { optional: true, secret: true }),
  PLATFORM_SECRET: setting.text('Secret of the platform; made on first start and kept in the data folder by default', {
    optional: true,
    secret: true,
  }),
  ...queueSettings,
  ...taskSettings,
  QUEUE: setting.choice('Queue driver', ['rabbitmq', 'postgres'], { default: 'postgres' }),
  ...storageSettings,
  STORAGE: setting.choice('Storage driver', ['s3', 'filesystem'], { default: 'filesystem' }),
  ...authenticationSettings,
  ADMIN_KEY_FILE: setting.text('Where the first administrator key is written; in the data folder by default', {
    optional: true,
  }),
  ...policySettings,
  ...schedulingSettings,
  ...ladderSettings,
  ...streamSettings,
  ...mailSettings,
  ...webhookSettings,
};
