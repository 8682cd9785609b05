// `npm start`: installs what is missing, builds what has changed, and becomes the platform on the embedded default.
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nodeEnv } from './node-settings.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19))
  fail(`Node ${process.versions.node} is too old: Liên Thông needs Node 20.19 or later.`);

let child;
let stopping = false;
// Ctrl-C reaches the child by itself (same terminal); a signal sent to this process alone is passed on.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    stopping = true;
    if (signal === 'SIGTERM' || !process.stdin.isTTY) child?.kill(signal);
  });

const marker = `${root}node_modules/.package-lock.json`;
const lock = `${root}package-lock.json`;
if (!existsSync(marker) || statSync(marker).mtimeMs < statSync(lock).mtimeMs - 1000)
  await before('Installing', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
await before('Building', process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-b']);

process.exit(await run(process.execPath, [`${root}apps/standalone/dist/main.js`], 'inherit'));

/** What the platform needs first. */
async function before(what, command, args) {
  process.stderr.write(`${what} …\n`);
  const code = await run(command, args, 'ignore');
  if (stopping) process.exit(1);
  if (code !== 0) fail(`${what} failed; the lines above say why.`);
}

/** Resolves with its exit code. */
function run(command, args, stdin) {
  child = spawn(command, args, {
    stdio: [stdin, 'inherit', 'inherit'],
    cwd: root,
    env: { ...nodeEnv, ...process.env },
  });
  return new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 1)));
  });
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
