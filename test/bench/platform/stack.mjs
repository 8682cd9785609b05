// The real stack with two instances of every app behind the gateway, in a folder and on ports of its own: nobody else's work is measured with it.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RAW_STACK } from '../load/raw-stack-side.mjs';
import { makeRawDatabase, serverVersion } from './database.mjs';

const root = resolve(import.meta.dirname, '../../..');
const profiler = pathToFileURL(join(root, 'test/bench/measure/cpu-profile.mjs')).href;
/** Below the range from which Linux takes the ports of outgoing connections (32768 on): one of those may hold a server's port. */
const PORT_OFFSET = '-16000';

export async function startStack({ cpuProf }) {
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-bench-stack-'));
  chmodSync(folder, 0o711);
  // Read by deploy/stack when it is loaded, here and in the programs below.
  Object.assign(process.env, { STACK_DIR: folder, STACK_PORT_OFFSET: PORT_OFFSET, RATE_LIMIT_PER_MINUTE: '0' });
  const stop = () => {
    program('down.mjs');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    program('up.mjs');
    const profiling = cpuProf ? { NODE_OPTIONS: `--import=${profiler}`, BENCH_CPU_PROFILES: resolve(cpuProf) } : {};
    program('apps.mjs', ['up'], profiling);
    const { serverEnv, publicUrl, adminKeyFile, apps, instances } = await import('../../../deploy/stack/settings.mjs');
    const { logFile, runningPid } = await import('../../../deploy/stack/supervise.mjs');
    const { appPid } = await import('../../../deploy/stack/processes.mjs');
    const { accessKey, secretKey } = JSON.parse(readFileSync(adminKeyFile, 'utf8'));
    const env = serverEnv();
    const server = (name, ...pidNames) => ({
      name,
      role: 'server',
      roots: pidNames.map(runningPid).filter((pid) => pid !== undefined),
      tree: true,
    });
    const ceph = runningPid('ceph-rgw') !== undefined;
    return {
      name: 'real stack (two instances of every app behind nginx)',
      versions: [await serverVersion(env.DATABASE_URL), await brokerVersion(env), ceph ? 'Ceph RGW' : 'MinIO'],
      admin: { baseUrl: publicUrl, accessKey, secretKey },
      databaseUrl: env.DATABASE_URL,
      target: { baseUrl: publicUrl },
      gatewayLog: logFile('gateway-access'),
      raw: {
        kind: 'raw-stack',
        target: { env, databaseUrl: await makeRawDatabase(env.DATABASE_URL) },
        does: RAW_STACK,
      },
      processes: [
        ...apps.flatMap((app) =>
          instances.map((instance) => ({
            name: `${app}-${instance}`,
            role: 'platform',
            roots: [appPid(app, instance)],
            tree: false,
          })),
        ),
        server('nginx', 'gateway'),
        server('postgres', 'postgres'),
        server('rabbitmq', 'rabbitmq'),
        ceph ? server('ceph', 'ceph-rgw', 'ceph-osd', 'ceph-mon', 'ceph-mgr') : server('minio', 'minio'),
      ],
      stop,
    };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Synchronous: nothing is measured meanwhile. */
function program(name, args = [], env = {}) {
  const { status } = spawnSync(process.execPath, [join(root, 'deploy/stack', name), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`deploy/stack/${name} failed (${status}).`);
}

async function brokerVersion({ RABBITMQ_MANAGEMENT_URL }) {
  const { username, password, origin } = new URL(RABBITMQ_MANAGEMENT_URL);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const answer = await fetch(`${origin}/api/overview`, { headers: { authorization } });
  return `RabbitMQ ${(await answer.json()).rabbitmq_version}`;
}
