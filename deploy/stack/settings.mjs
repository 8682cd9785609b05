// What the stack is made of: its folder, ports, credentials and the environment it gives to the platform.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export const repoDir = resolve(import.meta.dirname, '../..');
export const stackDir = resolve(process.env.STACK_DIR || join(repoDir, '.stack'));

// Outside the repository, so that a second clone (a CI run) finds what took minutes to build.
export const cacheDir = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lienthong');

// A second stack beside a running one: another STACK_DIR and a STACK_PORT_OFFSET.
const offset = Number(process.env.STACK_PORT_OFFSET || 0);

// Below Linux's range for outgoing connections (32768 up): there a port may be taken by a client of something else.
export const ports = {
  gateway: 27080 + offset,
  postgres: 27432 + offset,
  postgresStandby: 27433 + offset,
  rabbitmq: 27672 + offset,
  rabbitmqManagement: 27673 + offset,
  epmd: 27674 + offset,
  rabbitmqDistribution: 27675 + offset,
  s3: 27900 + offset,
  cephMon: 27901 + offset,
};

/** Of the second and third node of a RabbitMQ cluster, `npm run test:cluster` (the first has the ports above). */
export const rabbitmqPorts = (node) => ({
  amqp: ports.rabbitmq + 10 * (node - 1),
  management: ports.rabbitmqManagement + 10 * (node - 1),
  distribution: ports.rabbitmqDistribution + 10 * (node - 1),
});

const appPorts = { auth: 27180, connector: 27280, scheduler: 27380, notifier: 27480 };
export const apps = Object.keys(appPorts);
export const instances = [1, 2];
export const appPort = (app, instance) => appPorts[app] + offset + instance;
// +10 and not +100: with steps of 100 auth's internal port would be connector's public one.
export const internalPort = (app, instance) => appPort(app, instance) + 10;

/** A reason the stack cannot do what was asked, in one sentence for the person who asked. */
export class StackError extends Error {}

export function say(text) {
  process.stderr.write(`${text}\n`);
}

export function stackPath(...parts) {
  return join(stackDir, ...parts);
}

/** 0711: the servers' unprivileged users must reach their own folders, and read nothing else. */
export function makeStackDir() {
  mkdirSync(stackDir, { recursive: true });
  chmodSync(stackDir, 0o711);
  for (const part of ['logs', 'pids', 'data']) mkdirSync(stackPath(part), { recursive: true, mode: 0o700 });
}

const newSecret = () => randomBytes(32).toString('base64url');

/** Made once per stack folder, kept with mode 0600, never in the repository. */
export function credentials() {
  const file = stackPath('credentials.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  makeStackDir();
  const made = {
    postgresAdmin: newSecret(),
    rabbitmq: newSecret(),
    s3AccessKey: `LT${randomBytes(9).toString('hex').toUpperCase()}`,
    s3SecretKey: newSecret(),
    platformSecret: newSecret(),
    masterKey: newSecret(),
  };
  writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
  return made;
}

/** What any process needs to use the servers: the lines of `.stack/env`. */
export function serverEnv() {
  const secret = credentials();
  return {
    // The name is also the password: this database listens on loopback alone and holds nothing but tests.
    DATABASE_URL: `postgres://lienthong:lienthong@127.0.0.1:${ports.postgres}/lienthong`,
    QUEUE: 'rabbitmq',
    RABBITMQ_URL: `amqp://lienthong:${secret.rabbitmq}@127.0.0.1:${ports.rabbitmq}/lienthong`,
    RABBITMQ_MANAGEMENT_URL: `http://lienthong:${secret.rabbitmq}@127.0.0.1:${ports.rabbitmqManagement}`,
    STORAGE: 's3',
    S3_ENDPOINT: `http://127.0.0.1:${ports.s3}`,
    S3_REGION: 'us-east-1',
    S3_BUCKET: 'lienthong',
    S3_ACCESS_KEY: secret.s3AccessKey,
    S3_SECRET_KEY: secret.s3SecretKey,
  };
}

/** Who the platform works as: it may only add to the audit log, which the role of `serverEnv`, the owner of the tables, could change. */
export const applicationUrl = `postgres://lienthong_app:lienthong_app@127.0.0.1:${ports.postgres}/lienthong`;

/** The migrations are the owner's, who gives the platform's role its rights. */
export const migrationEnv = () => {
  const env = serverEnv();
  return { ...env, MIGRATION_DATABASE_URL: env.DATABASE_URL, DATABASE_URL: applicationUrl };
};

export const publicUrl = `http://127.0.0.1:${ports.gateway}`;
export const adminKeyFile = stackPath('admin-key.json');

/** Receivers of webhooks are the tests' own, on loopback, and what failed comes again soon. */
const webhookEnv = {
  WEBHOOK_ALLOW_HTTP: 'true',
  WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1/32',
  WEBHOOK_RETRY_SECONDS: '1,1,2',
};

export function appEnv(app, instance) {
  const secret = credentials();
  const env = {
    ...serverEnv(),
    DATABASE_URL: applicationUrl,
    PORT: String(appPort(app, instance)),
    HOST: '127.0.0.1',
    INTERNAL_PORT: String(internalPort(app, instance)),
    PUBLIC_URL: publicUrl,
    DATA_DIR: stackPath('data'),
    PLATFORM_SECRET: secret.platformSecret,
  };
  if (app === 'auth') return { ...env, MASTER_KEY: secret.masterKey, ADMIN_KEY_FILE: adminKeyFile };
  if (app === 'scheduler') return env;
  const authUrls = instances.map((n) => `http://127.0.0.1:${internalPort('auth', n)}`).join(',');
  return { ...env, AUTH_INTERNAL_URL: authUrls, ...(app === 'notifier' && webhookEnv) };
}

/** Whoever asked for it sees the environment; the log of a CI run, which others keep, says only where it stands. */
export function showEnv(name, lines) {
  if (process.env.CI) say(`environment: ${stackPath(name)}`);
  else process.stdout.write(lines);
}

/** Writes `KEY=value` lines to a 0600 file and returns them. */
export function writeEnvFile(name, env) {
  const lines = Object.entries(env).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(stackPath(name), lines.join(''), { mode: 0o600 });
  return lines.join('');
}
