// The embedded default, as `npm start` runs it: one process, its PostgreSQL, files on disk; its data in a temporary folder.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeEnv } from '../../../deploy/local/node-settings.mjs';
import { RAW_EMBEDDED } from '../load/raw-embedded-side.mjs';
import { makeRawDatabase, serverVersion } from './database.mjs';

const root = resolve(import.meta.dirname, '../../..');
const main = join(root, 'apps/standalone/dist/main.js');
const START_MS = 90_000;
const STOP_MS = 40_000;

export async function startEmbedded({ cpuProf }) {
  if (!existsSync(main)) throw new Error(`${main} is missing: run "npm run build" first.`);
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-bench-'));
  // PostgreSQL runs as an unprivileged user where we are root, and must get to its folder.
  chmodSync(folder, 0o711);
  const data = join(folder, 'data');
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const log = openSync(join(folder, 'platform.log'), 'a');
  const profiling = cpuProf ? ['--cpu-prof', `--cpu-prof-dir=${resolve(cpuProf)}`] : [];
  const { DATABASE_URL: _, QUEUE: __, STORAGE: ___, ...inherited } = process.env;
  const env = {
    ...nodeEnv,
    ...inherited,
    PORT: String(port),
    HOST: '127.0.0.1',
    DATA_DIR: data,
    RATE_LIMIT_PER_MINUTE: '0',
  };
  const child = spawn(process.execPath, [...profiling, main], {
    env,
    cwd: root,
    stdio: ['ignore', log, log],
  });

  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const over = once(child, 'exit');
      child.kill('SIGTERM');
      const tooLong = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await over;
      clearTimeout(tooLong);
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready(baseUrl, child, join(folder, 'platform.log'));
    const { accessKey, secretKey } = JSON.parse(readFileSync(join(data, 'admin-key.json'), 'utf8'));
    const { pid: postmaster, port: databasePort } = postmasterOf(data);
    const password = readFileSync(join(data, 'postgres-password'), 'utf8').trim();
    const databaseUrl = `postgres://lienthong:${password}@127.0.0.1:${databasePort}/lienthong`;
    const rawUrl = await makeRawDatabase(databaseUrl);
    return {
      name: 'embedded default (one process, its PostgreSQL, files on disk)',
      versions: [await serverVersion(databaseUrl)],
      admin: { baseUrl, accessKey, secretKey },
      databaseUrl,
      target: { baseUrl },
      raw: { kind: 'raw-embedded', target: { databaseUrl: rawUrl, folder: join(folder, 'raw') }, does: RAW_EMBEDDED },
      processes: [
        { name: 'lienthong (standalone)', role: 'platform', roots: [child.pid], tree: false },
        { name: 'postgres', role: 'server', roots: [postmaster], tree: true },
      ],
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(baseUrl, child, log) {
  const until = Date.now() + START_MS;
  for (;;) {
    if (child.exitCode !== null)
      throw new Error(
        `The platform ended while starting:\n${readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n')}`,
      );
    const answer = await fetch(`${baseUrl}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > until) throw new Error(`The platform was not ready after ${START_MS / 1000} s.`);
    await sleep(100);
  }
}

function postmasterOf(data) {
  const [pid, , , port] = readFileSync(join(data, 'postgres', 'postmaster.pid'), 'utf8').split('\n');
  return { pid: Number(pid), port: Number(port) };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
