// The first start of the embedded default, made once for a run of tests: half of the time of such a start goes into the cluster and the tables of its database.
// `node test/support/first-start.mjs FOLDER` leaves its data in FOLDER, with its processes ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const READY_MS = 120_000;
const root = fileURLToPath(new URL('../..', import.meta.url));
const [folder] = process.argv.slice(2);

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
await new Promise((closed) => server.close(closed));

const { PATH = '', HOME = '' } = process.env;
const env = { PATH, HOME, HOST: '127.0.0.1', PORT: String(port), DATA_DIR: folder, LOG_LEVEL: 'warn' };
const child = spawn(process.execPath, ['apps/standalone/dist/main.js'], { cwd: root, env, stdio: ['ignore', 2, 2] });
const ended = once(child, 'exit');
const isReady = () =>
  fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(5000) }).then(
    ({ ok }) => ok,
    () => false,
  );
const until = Date.now() + READY_MS;
let ready = false;
while (!ready && Date.now() < until && child.exitCode === null) ready = (await isReady()) || (await sleep(100), false);
child.kill('SIGTERM');
const [code] = await ended;
process.exitCode = ready ? code : 1;
