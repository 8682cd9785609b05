// npm run test:versions -- REV: an upgrade under load from the version of that commit to this one, and one step of the way back, on a stack of its own.
// Needs the history of git and minutes, so it is part of no other run. What it shows, and its numbers, are of `two-versions.test.ts`.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'lienthong-versions-'));
chmodSync(folder, 0o711);
Object.assign(process.env, { STACK_DIR: folder, STACK_PORT_OFFSET: process.env.STACK_PORT_OFFSET || '-10000' });
const { cacheDir, serverEnv } = await import('../../deploy/stack/settings.mjs');

const say = (text) => process.stdout.write(`${text}\n`);

function run(command, args, { cwd = root, env = {}, stdio } = {}) {
  const options = { cwd, env: { ...process.env, ...env }, encoding: 'utf8', stdio, maxBuffer: 64 * 1024 * 1024 };
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  if (status === 0) return stdout;
  const end = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-5).join('\n');
  throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? (end || `exit ${status}`)}`);
}

/** Built once for each commit, outside of the repository; what was interrupted is begun again. */
function versionOf(commit) {
  const versions = join(cacheDir, 'versions');
  const finished = join(versions, commit);
  if (existsSync(finished)) return finished;
  mkdirSync(versions, { recursive: true });
  const making = mkdtempSync(join(versions, 'making-'));
  try {
    const tar = join(making, 'version.tar');
    run('git', ['archive', '--format=tar', '-o', tar, commit]);
    run('tar', ['-xf', tar, '-C', making]);
    rmSync(tar);
    run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: making });
    run('npx', ['tsc', '-b'], { cwd: making });
    renameSync(making, finished);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return finished;
}

process.umask(0o077);
let failure;
try {
  const [rev] = process.argv.slice(2);
  if (!rev) throw new Error('Say which version is upgraded: npm run test:versions -- REV, any commit before this one.');
  const commit = run('git', ['rev-parse', '--verify', '--quiet', `${rev}^{commit}`]).trim();
  const describe = (of) => run('git', ['log', '-1', '--format=%h of %ci', of]).trim();
  const changed = run('git', ['status', '--porcelain']).trim() ? ', with changes that are not committed' : '';
  say(`from ${describe(commit)} to ${describe('HEAD')}${changed}`);
  const former = versionOf(commit);
  run(process.execPath, ['deploy/stack/up.mjs']);
  run(process.execPath, ['deploy/stack/apps.mjs', 'up'], {
    env: { STACK_BUILD_DIR: former, RATE_LIMIT_PER_MINUTE: '0' },
  });
  run(
    process.execPath,
    ['node_modules/jest/bin/jest.js', '--selectProjects', 'versions', '--runInBand', '--forceExit'],
    {
      env: { ...serverEnv(), LIENTHONG_STACK: '1', FORMER_VERSION: former },
      stdio: 'inherit',
    },
  );
} catch (error) {
  failure = error;
  say(error.message);
} finally {
  spawnSync(process.execPath, ['deploy/stack/down.mjs'], { cwd: root, env: process.env });
  if (!failure || !process.env.KEEP) rmSync(folder, { recursive: true, force: true });
}
process.exit(failure ? 1 : 0);
