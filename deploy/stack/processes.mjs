// The handles that fault tests use: start, stop, kill or freeze one server, one app instance or the gateway.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nodeEnv } from '../local/node-settings.mjs';
import { cephRgw } from './ceph.mjs';
import { run } from './debian.mjs';
import { startGateway, stopGateway } from './gateway.mjs';
import { canHaveMinio, minio } from './minio.mjs';
import { postgres, postgresStandby, promoteStandby } from './postgres.mjs';
import { rabbitmq, rabbitmqMore } from './rabbitmq.mjs';
import { appEnv, appPort, internalPort, migrationEnv, repoDir, say, StackError, stackPath } from './settings.mjs';
import {
  favour,
  requireFreePort,
  runningPid,
  signalProcess,
  startProcess,
  stopProcess,
  waitUntilReady,
} from './supervise.mjs';

export { promoteStandby, startGateway, stopGateway };

export const servers = ['postgres', 'rabbitmq', 's3'];
/** What a cluster has more; started only where it is asked for (`npm run test:cluster`). */
const MORE = { ...rabbitmqMore, 'postgres-standby': postgresStandby };
export const moreServers = Object.keys(MORE);

/** STACK_S3 decides; else what this stack folder had before; else MinIO where it is or can be built. */
function s3Driver() {
  const kinds = { minio, ceph: cephRgw };
  const file = stackPath('s3-kind');
  const before = existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
  const kind = process.env.STACK_S3 || before || (canHaveMinio() ? 'minio' : 'ceph');
  if (!kinds[kind]) throw new StackError(`STACK_S3 is "${kind}"; it can be minio or ceph.`);
  const other = kinds[kind === 'minio' ? 'ceph' : 'minio'];
  if (runningPid(other.main) !== undefined)
    throw new StackError(`The S3 server of this stack is now ${before}: run "npm run stack:down" before changing it.`);
  writeFileSync(file, kind);
  return kinds[kind];
}

function driverOf(server) {
  if (server === 'postgres') return postgres;
  if (server === 'rabbitmq') return rabbitmq;
  if (server === 's3') return s3Driver();
  if (MORE[server]) return MORE[server];
  throw new StackError(`There is no server "${server}": ${servers.join(', ')}.`);
}

/** Installs what the server needs, when it is missing. */
export const prepareServer = (server) => driverOf(server).install();

/** Starts a server unless it runs, and waits until it lets us in. Returns its version. */
export const startServer = (server) => driverOf(server).start();

/** Stops a server cleanly and waits for its end. */
export const stopServer = (server) => driverOf(server).stop();

/** SIGKILLs a server's main process, as a power cut would, and waits for its end. */
export const killServer = (server) => stopProcess(driverOf(server).main, { signal: 'SIGKILL' });

/** Sends any signal (SIGSTOP, SIGCONT, ...) without waiting. Returns the pid, undefined when it does not run. */
export const signalServer = (server, signal) => signalProcess(driverOf(server).main, signal);

// Stand-ins for the apps, in tests of this folder, live in another one.
const buildDir = resolve(process.env.STACK_BUILD_DIR || repoDir);

/** A program that was built, in this folder or in that of another version. */
function built(build, ...parts) {
  const file = join(build, ...parts);
  if (!existsSync(file)) throw new StackError(`${file} is missing: run "npm run build" first.`);
  return file;
}

/** With the gateway those who decide what is taken: a refusal has to be quick above all when there is too little processor for everything (reliability 12). */
const DOOR = ['auth', 'connector'];

const nameOf = (app, instance) => `${app}-${instance}`;

/** Brings the database to the version of this build. Returns what the program said. */
export const migrate = (build = buildDir) =>
  run('migrate', process.execPath, [built(build, 'libs', 'persistence', 'dist', 'migrate.js')], {
    env: migrationEnv(),
    cwd: build,
  }).trim();

/** Starts an app instance unless it runs, and waits until it says that it is ready. Returns its pid. */
export async function startApp(app, instance, { env, limitMs = 60_000, build = buildDir } = {}) {
  const name = nameOf(app, instance);
  const main = built(build, 'apps', app, 'dist', 'main.js');
  if (runningPid(name) === undefined) {
    await requireFreePort(appPort(app, instance), name);
    await requireFreePort(internalPort(app, instance), `${name}'s health`);
    // Only auth may know the master key, whatever the caller's own environment holds.
    const { MASTER_KEY: _, ...inherited } = process.env;
    const pid = await startProcess(name, process.execPath, [main], {
      cwd: build,
      env: { ...nodeEnv, ...inherited, ...appEnv(app, instance), ...env },
    });
    if (DOOR.includes(app)) favour(pid);
  }
  const url = `http://127.0.0.1:${internalPort(app, instance)}/readyz`;
  await waitUntilReady(
    name,
    async () => {
      const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
      if (!response.ok)
        throw new Error(`/readyz answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
    },
    limitMs,
  );
  return runningPid(name);
}

/** SIGTERM, and SIGKILL after 40 s, more than an app may take to drain. */
export async function stopApp(app, instance) {
  const name = nameOf(app, instance);
  const ended = await stopProcess(name, { limitMs: 40_000 });
  if (ended !== 'was not running') say(`${name}: ${ended}`);
  return ended;
}

/** Ends an app instance by a signal, SIGKILL unless told, and waits for its end. */
export const killApp = (app, instance, signal = 'SIGKILL') =>
  stopProcess(nameOf(app, instance), { signal, limitMs: 40_000 });

/** Sends any signal (SIGSTOP, SIGCONT, ...) without waiting. Returns the pid, undefined when it does not run. */
export const signalApp = (app, instance, signal) => signalProcess(nameOf(app, instance), signal);

export const appPid = (app, instance) => runningPid(nameOf(app, instance));
