// A copy of the repository in a temporary folder, where a patch can be applied, built and tested without touching the original.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A build or a run of tests that takes longer has lost its way. */
const LIMIT_MS = 360_000;

export class Workbench {
  #running;
  #from;

  /** @param from root of the repository, installed; built or not */
  constructor(from) {
    this.#from = from;
    this.root = mkdtempSync(join(tmpdir(), 'lienthong-seeded-'));
    // A PostgreSQL that root's tests start runs as another user.
    chmodSync(this.root, 0o755);
    this.copy = join(this.root, 'copy');
    this.temporary = join(this.root, 'tmp');
  }

  /** Tracked files as they are now, what was built from them, and links to what is installed. */
  prepare() {
    const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: this.#from,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (listed.status !== 0) throw new Error(`git ls-files: ${listed.stderr}`);
    const projects = ['libs', 'apps'].flatMap((kind) =>
      readdirSync(join(this.#from, kind)).map((one) => join(kind, one)),
    );
    const built = projects.flatMap((project) => [join(project, 'dist'), join(project, 'tsconfig.tsbuildinfo')]);
    for (const path of [...listed.stdout.split('\0').filter(Boolean), ...built])
      if (existsSync(join(this.#from, path))) this.#take(path);
    for (const project of ['.', ...projects]) this.#link(join(project, 'node_modules'));
  }

  /** @throws with git's words when the patch does not fit the sources */
  apply(patch, ...options) {
    const { status, stderr } = spawnSync('git', ['apply', ...options, patch], {
      cwd: this.copy,
      encoding: 'utf8',
      // The copy is no repository, whatever it may lie in.
      env: { ...process.env, GIT_CEILING_DIRECTORIES: this.root },
    });
    if (status !== 0) throw new Error(`The patch no longer applies and must be renewed.\n${stderr.trim()}`);
  }

  /** @throws with the compiler's words */
  async build() {
    const { status, output } = await this.#run(['node_modules/typescript/bin/tsc', '-b']);
    if (status !== 0) throw new Error(`It does not build.\n${output.trim()}`);
  }

  /**
   * Runs the tests of one file whose name contains one of the titles.
   * @param env beside the little that every run gets: nothing of the caller's, which may point at a platform that runs
   * @returns {Promise<{title: string, status: string, why: string}[]>} those that ran
   */
  async test(file, titles, env = {}) {
    mkdirSync(this.temporary, { recursive: true, mode: 0o755 });
    const results = join(this.root, 'results.json');
    rmSync(results, { force: true });
    const { output } = await this.#run(
      [
        'node_modules/jest/bin/jest.js',
        '--selectProjects',
        ringOf(file),
        '--runInBand',
        '--forceExit',
        '--cacheDirectory',
        join(this.root, 'jest'),
        '--json',
        `--outputFile=${results}`,
        '--testNamePattern',
        titles.map((title) => title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'),
        '--runTestsByPath',
        file,
      ],
      env,
    );
    await this.#clear();
    if (!existsSync(results)) throw new Error(`The tests ended without a result.\n${output.trim().slice(-2000)}`);
    const { testResults } = JSON.parse(readFileSync(results, 'utf8'));
    const ran = testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status === 'passed' || status === 'failed')
      .map(({ fullName, status, failureMessages }) => ({ title: fullName, status, why: sentenceOf(failureMessages) }));
    if (ran.length === 0) throw new Error(`No test ran in ${file}.\n${testResults[0]?.message.trim().slice(0, 2000)}`);
    return ran;
  }

  /** Ends what runs, by its process id, and takes the folder away. */
  async remove() {
    if (this.#running) killGroup(this.#running);
    await this.#clear();
    rmSync(this.root, { recursive: true, force: true });
  }

  #take(path) {
    mkdirSync(dirname(join(this.copy, path)), { recursive: true });
    cpSync(join(this.#from, path), join(this.copy, path), { recursive: true, preserveTimestamps: true });
  }

  /** Package by package, for the links to our own libraries must lead to the copies. */
  #link(folder) {
    const from = join(this.#from, folder);
    if (!existsSync(from)) return;
    mkdirSync(join(this.copy, folder), { recursive: true });
    for (const name of readdirSync(from)) {
      if (name !== '@lienthong') symlinkSync(join(from, name), join(this.copy, folder, name));
      else {
        mkdirSync(join(this.copy, folder, name));
        for (const one of readdirSync(join(from, name)))
          symlinkSync(readlinkSync(join(from, name, one)), join(this.copy, folder, name, one));
      }
    }
  }

  #run(args, env = {}) {
    const { PATH, HOME, LANG } = process.env;
    const child = spawn(process.execPath, args, {
      cwd: this.copy,
      env: { PATH, HOME, ...(LANG && { LANG }), CI: '1', NO_COLOR: '1', TMPDIR: this.temporary, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that what it started ends with it.
      detached: true,
    });
    this.#running = child;
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (output = (output + chunk).slice(-100_000)));
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        killGroup(child);
        reject(new Error(`${args[0]} was stopped after ${LIMIT_MS / 1000} s.\n${output.trim().slice(-2000)}`));
      }, LIMIT_MS);
      child.on('exit', (status) => {
        clearTimeout(late);
        this.#running = undefined;
        resolve({ status, output });
      });
    });
  }

  /** A test that fails or is stopped may leave an embedded PostgreSQL, which has a group of its own: it is known by the folder it works in. */
  async #clear() {
    if (!existsSync(this.temporary)) return;
    const files = readdirSync(this.temporary, { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((one) => one.endsWith('postmaster.pid'))) {
      const pid = Number(readFileSync(join(this.temporary, file), 'utf8').split('\n')[0]);
      if (!worksIn(pid, dirname(join(this.temporary, file)))) continue;
      signal(pid, 'SIGINT');
      for (let waited = 0; isAlive(pid); waited += 100) {
        if (waited === 10_000) signal(pid, 'SIGKILL');
        await sleep(100);
      }
    }
    rmSync(this.temporary, { recursive: true, force: true });
  }
}

/** @returns the project of jest.config.mjs that holds the file */
const ringOf = (file) => (file.endsWith('.spec.ts') ? 'specs' : file.split('/')[1]);

/** What a failed test says first. */
const sentenceOf = ([message = '']) =>
  message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('at '))
    .slice(0, 6)
    .join(' ')
    .slice(0, 160);

/** The number in a file that was left behind may belong to another program by now. */
function worksIn(pid, folder) {
  const file = `/proc/${pid}/cmdline`;
  return (
    isAlive(pid) && (!existsSync('/proc/self') || (existsSync(file) && readFileSync(file, 'utf8').includes(folder)))
  );
}

const isAlive = (pid) => signal(pid, 0);

function killGroup({ pid }) {
  signal(-pid, 'SIGKILL');
}

function signal(pid, name) {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
