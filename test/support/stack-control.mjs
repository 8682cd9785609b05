// Handles of the real stack for tests: `node test/support/stack-control.mjs <what> [argument]`. A process of its own, because deploy/stack is ESM.
import { appPid, killApp, killServer, startApp, startServer, stopServer } from '../../deploy/stack/processes.mjs';
import {
  adminKeyFile,
  applicationUrl,
  apps,
  instances,
  publicUrl,
  serverEnv,
  stackPath,
} from '../../deploy/stack/settings.mjs';

const everyInstance = (work) => Promise.all(apps.flatMap((app) => instances.map((instance) => work(app, instance))));

/** As `npm run test:stack` starts them: all tests come from one address. */
const UNLIMITED = { RATE_LIMIT_PER_MINUTE: '0' };

const handles = {
  describe: async () => ({
    baseUrl: publicUrl,
    adminKeyFile,
    databaseUrl: serverEnv().DATABASE_URL,
    applicationUrl,
    s3Folder: stackPath('minio'),
  }),
  'kill-apps': () => everyInstance((app, instance) => killApp(app, instance)),
  // The other apps ask auth about access keys, so auth is first.
  'start-apps': async () => {
    for (const app of apps) await Promise.all(instances.map((instance) => startApp(app, instance, { env: UNLIMITED })));
  },
  'app-pids': () => everyInstance(async (app, instance) => appPid(app, instance)),
  'kill-app': (app) => killApp(app, 1),
  'start-app': (app) => startApp(app, 1, { env: UNLIMITED }),
  'stop-server': (server) => stopServer(server),
  'kill-server': (server) => killServer(server),
  'start-server': (server) => startServer(server),
};

process.umask(0o077);
const [what, argument] = process.argv.slice(2);
const answer = await handles[what](argument);
process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
