// `npm start`: installs what is missing, builds what has changed, and becomes the platform on the embedded default.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nodeEnv } from './node-settings.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19))
  fail(`Node ${process.versions.node} is too old: Liên Thông needs Node 20.19 or later.`);

const marker = `${root}node_modules/.package-lock.json`;
const lock = `${root}package-lock.json`;
if (!existsSync(marker) || statSync(marker).mtimeMs < statSync(lock).mtimeMs - 1000)
  run('Installing', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
run('Building', process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-b']);

const platform = spawn(process.execPath, [`${root}apps/standalone/dist/main.js`], {
  stdio: 'inherit',
  cwd: root,
  env: { ...nodeEnv, ...process.env },
});
// Ctrl-C reaches the platform by itself (same terminal); a signal sent to this process alone is passed on.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    if (signal === 'SIGTERM' || !process.stdin.isTTY) platform.kill(signal);
  });
platform.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGKILL' ? 137 : 1)));

function run(what, command, args) {
  process.stderr.write(`${what} …\n`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) fail(`${what} failed; the lines above say why.`);
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
