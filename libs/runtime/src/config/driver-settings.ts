import { setting } from './setting';

/** Settings that choose and reach the servers; each app takes the groups that it uses. */
export const databaseSettings = {
  DATABASE_URL: setting.url('PostgreSQL server', { secret: true }),
  STARTUP_WAIT_SECONDS: setting.integer('How long a start waits for servers that do not answer yet', {
    default: 300,
    min: 0,
    max: 86_400,
  }),
  DATABASE_POOL: setting.integer('Connections of one process to PostgreSQL', { default: 12, min: 2, max: 200 }),
  PLATFORM_SECRET: setting.text(
    'Secret shared by all apps, which seals the receipt key and derives session keys: 32 random bytes, base64url',
    { secret: true },
  ),
};

export const auditSettings = {
  AUDIT_MAX_UNSEALED_HOURS: setting.integer(
    'Past this age of the oldest audit entry that is not sealed, no new packets are taken',
    { default: 4, min: 1, max: 168 },
  ),
};

export const queueSettings = {
  QUEUE: setting.choice('Queue driver', ['rabbitmq', 'postgres'], { default: 'rabbitmq' }),
  RABBITMQ_URL: setting.url('RabbitMQ server, with QUEUE=rabbitmq', { optional: true, secret: true }),
};

/** Of who takes tasks from the queue. */
export const taskSettings = {
  TASK_SECONDS: setting.integer(
    'How long the handling of one task may take before it counts as failed and is tried again; for content that it reads, a second more for each MiB',
    { default: 60, min: 1, max: 600 },
  ),
};

export const storageSettings = {
  STORAGE: setting.choice('Storage driver', ['s3', 'filesystem'], { default: 's3' }),
  DATA_DIR: setting.text('Folder of the filesystem storage; on the embedded default of everything', {
    default: './data',
  }),
  S3_ENDPOINT: setting.url('S3 server, with STORAGE=s3', { optional: true }),
  S3_PUBLIC_ENDPOINT: setting.url('Address under which clients reach the S3 server, if another', { optional: true }),
  S3_REGION: setting.text('S3 region', { default: 'us-east-1' }),
  S3_BUCKET: setting.text('S3 bucket; made if absent', { default: 'lienthong' }),
  S3_ACCESS_KEY: setting.text('S3 access key', { optional: true, secret: true }),
  S3_SECRET_KEY: setting.text('S3 secret key', { optional: true, secret: true }),
};
