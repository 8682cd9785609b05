// Handles of the real stack for tests: `node test/support/stack-control.mjs <what> [argument] [settings of instances]`. A process of its own, because deploy/stack is ESM.
import { rmSync } from 'node:fs';
import {
  appPid,
  killApp,
  killServer,
  migrate,
  signalApp,
  signalServer,
  startApp,
  startServer,
  stopApp,
  stopServer,
} from '../../deploy/stack/processes.mjs';
import { diskAlarm, hurry } from '../../deploy/stack/rabbitmq.mjs';
import {
  adminKeyFile,
  applicationUrl,
  appPort,
  apps,
  instances,
  internalPort,
  publicUrl,
  serverEnv,
  stackPath,
} from '../../deploy/stack/settings.mjs';

const everyInstance = (work) => Promise.all(apps.flatMap((app) => instances.map((instance) => work(app, instance))));

/** As `npm run test:stack` starts them: all tests come from one address. */
const UNLIMITED = { RATE_LIMIT_PER_MINUTE: '0' };

const [what, argument, settings = '{}'] = process.argv.slice(2);
const settingsOf = JSON.parse(settings);
function start(app, instance) {
  // Where another version was built; no setting of the app.
  const { STACK_BUILD_DIR: build, ...env } = settingsOf[`${app}-${instance}`] ?? {};
  return startApp(app, instance, { env: { ...UNLIMITED, ...env }, build });
}

/** `connector-2`. */
function instanceOf(name) {
  const [, app, instance] = /^([a-z]+)-(\d)$/.exec(name);
  return [app, Number(instance)];
}

const handles = {
  describe: async () => ({
    baseUrl: publicUrl,
    adminKeyFile,
    databaseUrl: serverEnv().DATABASE_URL,
    applicationUrl,
    s3Folder: stackPath('minio'),
    brokerFolder: stackPath('rabbitmq', 'mnesia'),
    postgresFolder: stackPath('postgres'),
    postgresLog: stackPath('logs', 'postgres.log'),
  }),
  'kill-apps': () => everyInstance((app, instance) => killApp(app, instance)),
  // The other apps ask auth about access keys, so auth is first.
  'start-apps': async () => {
    for (const app of apps) await Promise.all(instances.map((instance) => start(app, instance)));
  },
  'app-pids': () => everyInstance(async (app, instance) => appPid(app, instance)),
  'app-pid': (name) => appPid(...instanceOf(name)),
  'app-ports': (instance) => Object.fromEntries(apps.map((app) => [app, appPort(app, Number(instance))])),
  migrate: (build) => migrate(build),
  'internal-urls': async (app) => instances.map((instance) => `http://127.0.0.1:${internalPort(app, instance)}`),
  'kill-app': (name) => killApp(...instanceOf(name)),
  'start-app': (name) => start(...instanceOf(name)),
  'stop-app': (name) => stopApp(...instanceOf(name)),
  'freeze-app': (name) => signalApp(...instanceOf(name), 'SIGSTOP'),
  'thaw-app': (name) => signalApp(...instanceOf(name), 'SIGCONT'),
  'kill-both': (app) => Promise.all(instances.map((instance) => killApp(app, instance))),
  'start-both': (app) => Promise.all(instances.map((instance) => start(app, instance))),
  'stop-server': (server) => stopServer(server),
  'kill-server': (server) => killServer(server),
  'start-server': (server) => startServer(server),
  'freeze-server': (server) => signalServer(server, 'SIGSTOP'),
  'thaw-server': (server) => signalServer(server, 'SIGCONT'),
  'alarm-broker': () => diskAlarm(true),
  'calm-broker': () => diskAlarm(false),
  /** Its disk may fill up to the last byte, without an alarm before. */
  'unwatch-broker-disk': () => diskAlarm(false, '1'),
  'hurry-broker': () => hurry(true),
  'leave-broker-time': () => hurry(false),
  /** What each instance of an app answers to who asks whether it is ready. */
  readiness: (app) =>
    Promise.all(instances.map(async (n) => (await fetch(`http://127.0.0.1:${internalPort(app, n)}/readyz`)).status)),
  /** A broker that has forgotten everything: its users, queues and messages. */
  'wipe-broker': async () => {
    await killServer('rabbitmq');
    rmSync(stackPath('rabbitmq', 'mnesia'), { recursive: true, force: true });
  },
};

process.umask(0o077);
const answer = await handles[what](argument);
process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
