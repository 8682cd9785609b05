// The first start of the embedded default, made once for a run of tests: half of the time of such a start goes into the cluster and the tables of its database.
// `node test/support/first-start.mjs FOLDER` leaves its data in FOLDER, with its processes ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [folder] = process.argv.slice(2);

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
await new Promise((closed) => server.close(closed));

const { PATH = '', HOME = '' } = process.env;
const env = { PATH, HOME, HOST: '127.0.0.1', PORT: String(port), DATA_DIR: folder, LOG_LEVEL: 'warn' };
const stdio = ['ignore', 'ignore', 'pipe'];
const child = spawn(process.execPath, ['apps/standalone/dist/main.js'], { cwd: root, env, stdio, timeout: 120_000 });
const ended = once(child, 'exit');
const said = [];
for await (const line of createInterface(child.stderr)) {
  said.push(line);
  if (line.startsWith('Liên Thông is running')) child.kill('SIGTERM');
}
const [code] = await ended;
const isWhole = code === 0 && said.some((line) => line.startsWith('Liên Thông is running'));
if (!isWhole) process.stderr.write(`${said.join('\n')}\n`);
process.exitCode = isWhole ? 0 : 1;
