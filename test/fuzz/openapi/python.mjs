// A Python with schemathesis in a folder of its own outside the repository, made at the first run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const SCHEMATHESIS = '4.32.5';
/** The newest Python first: pinned libraries need 3.10 or newer, of which Debian 12 has 3.11. */
const PYTHONS = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const IS_NEW_ENOUGH = 'import sys; sys.exit(sys.version_info < (3, 10))';
const DEBIAN = ['python3', 'python3-venv', 'python3-pip'];

const run = (command, args, stdio = 'ignore') => spawnSync(command, args, { stdio, timeout: 240_000 }).status === 0;
const newEnough = () => PYTHONS.find((python) => run(python, ['-c', IS_NEW_ENOUGH]));

/** As root on Debian: what a bare machine lacks. */
function installPython() {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  console.log(`installing ${DEBIAN.join(', ')}`);
  run('apt-get', ['update', '-q'], 'inherit');
  run('env', ['DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-q', '-y', ...DEBIAN], 'inherit');
}

const hasEnv = (folder) => {
  const python = newEnough();
  return python !== undefined && run(python, ['-m', 'venv', '--clear', folder]);
};

/**
 * @returns the path of the program `schemathesis` in its pinned version
 * @throws Error in one sentence where there is no Python, or the packages cannot be had
 */
export function schemathesis() {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(cache, 'lienthong', `schemathesis-${SCHEMATHESIS}`);
  const program = join(folder, 'bin', 'schemathesis');
  if (run(program, ['--version'])) return program;
  mkdirSync(folder, { recursive: true });
  if (!hasEnv(folder)) {
    installPython();
    if (!hasEnv(folder))
      throw new Error(
        'npm run fuzz:openapi needs Python 3.10 or newer with venv: apt-get install python3-venv python3-pip',
      );
  }
  console.log(`installing schemathesis ${SCHEMATHESIS} into ${folder}`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `schemathesis==${SCHEMATHESIS}`];
  if (!run(join(folder, 'bin', 'python'), pip, 'inherit') || !run(program, ['--version']))
    throw new Error(`schemathesis ${SCHEMATHESIS} could not be installed by pip: is a package index reachable?`);
  return program;
}
