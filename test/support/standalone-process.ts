import { randomInt } from 'node:crypto';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually';

const root = join(__dirname, '../..');
const main = join(root, 'apps/standalone/dist/main.js');

const READY_MS = 60_000;
/** The platform drains for 30 s at most. */
const STOP_MS = 45_000;

/** With one of these it makes a first start of its own, where `npm test` gives it the data of one that was made before (`first-start.mjs`). */
const ITS_OWN = ['DATA_DIR', 'DATABASE_URL', 'MASTER_KEY', 'MASTER_KEY_COMMAND', 'PLATFORM_SECRET', 'ADMIN_KEY_FILE'];

/** The whole platform as one process on the embedded default, with a data folder of its own; controlled by its process id alone. */
export class StandaloneProcess {
  readonly folder: string;
  private child?: ChildProcess;
  private readonly atExit = () => void this.child?.kill('SIGTERM');

  private constructor(
    readonly port: number,
    private readonly env: Record<string, string>,
  ) {
    this.folder = env.DATA_DIR ?? mkdtempSync(join(tmpdir(), 'lienthong-flow-'));
  }

  static async start(env: Record<string, string> = {}): Promise<StandaloneProcess> {
    if (!existsSync(main)) throw new Error(`${main} is missing: run "npm run build" first.`);
    const started = new StandaloneProcess(await freePort(), env);
    const { FIRST_START } = process.env;
    if (FIRST_START && !Object.keys(env).some((name) => ITS_OWN.includes(name)))
      execFileSync('cp', ['-a', `${FIRST_START}/.`, started.folder]);
    await started.start();
    return started;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** @returns everything the process wrote since the first start */
  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** Starts it, again on the same port and data, and waits until it says that it is ready. */
  async start(): Promise<void> {
    const out = openSync(this.logFile, 'a', 0o600);
    // Nothing of the caller's environment: a DATABASE_URL there would take this off the embedded default.
    const { PATH = '', HOME = '', TMPDIR, LANG } = process.env;
    const child = spawn(process.execPath, [main], {
      cwd: root,
      env: {
        PATH,
        HOME,
        ...(TMPDIR ? { TMPDIR } : {}),
        ...(LANG ? { LANG } : {}),
        PORT: String(this.port),
        HOST: '127.0.0.1',
        PUBLIC_URL: this.baseUrl,
        LOG_LEVEL: 'info',
        RATE_LIMIT_PER_MINUTE: '0',
        ...this.env,
        DATA_DIR: this.folder,
      },
      stdio: ['ignore', out, out],
    });
    closeSync(out);
    this.child = child;
    process.once('exit', this.atExit);
    await eventually(
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) return 'ended';
        const response = await fetch(`${this.baseUrl}/readyz`, { signal: AbortSignal.timeout(5000) });
        return response.ok || Promise.reject(new Error(`/readyz: ${response.status} ${await response.text()}`));
      },
      { within: READY_MS },
    ).then(
      (state) => state === 'ended' && this.failed(`ended with ${child.exitCode ?? child.signalCode}`),
      (error: Error) => this.failed(`was not ready after ${READY_MS / 1000} s (${error.message})`),
    );
  }

  /** SIGTERM, and the exit code once it has ended. */
  async terminate(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  /** SIGKILL, as a power cut of this process alone: its database goes on and is taken over by the next start. */
  async kill9(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGSTOP and SIGCONT: of this process alone, its database goes on. */
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** Ends it, its database too, and removes its data, unless the folder was given. */
  async remove(): Promise<void> {
    await this.terminate();
    const pid = this.postgresPid();
    if (pid) {
      process.kill(pid, 'SIGINT');
      await eventually(() => this.postgresPid() === undefined);
    }
    if (!this.env.DATA_DIR) rmSync(this.folder, { recursive: true, force: true });
    rmSync(this.logFile, { force: true });
  }

  /** Process id of the embedded PostgreSQL's postmaster, while it lives. */
  postgresPid(): number | undefined {
    try {
      const pid = Number(this.postmaster()[0]);
      process.kill(pid, 0);
      return pid;
    } catch {
      return undefined;
    }
  }

  /** Memory of the process itself, without its database. */
  residentBytes(): number {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.child?.pid}/status`, 'utf8')) ?? [];
    return Number(kibibytes) * 1024;
  }

  databaseUrl(): string {
    const password = readFileSync(join(this.folder, 'postgres-password'), 'utf8').trim();
    return `postgres://lienthong:${password}@127.0.0.1:${this.postmaster()[3]}/lienthong`;
  }

  private postmaster(): string[] {
    return readFileSync(join(this.folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n');
  }

  /** Beside the folder and not in it: a test may mount something there. */
  private get logFile(): string {
    return `${this.folder.replace(/\/+$/, '')}.log`;
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    this.child = undefined;
    process.off('exit', this.atExit);
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    child.kill(signal);
    await eventually(() => child.exitCode !== null || child.signalCode !== null, { within: STOP_MS }).catch(() => {
      child.kill('SIGKILL');
      throw new Error(`The platform did not stop within ${STOP_MS / 1000} s:\n${this.tail()}`);
    });
    return child.exitCode;
  }

  private failed(how: string): never {
    throw new Error(`The platform ${how}:\n${this.tail()}`);
  }

  private tail(): string {
    return this.log().trim().split('\n').slice(-15).join('\n');
  }
}

/**
 * Below Linux's range for outgoing connections (32768 up), where a port may be taken by a client of something else before it is listened on; above those of the
 * stack. Each of Jest's workers has a slice of them.
 */
const PORTS = { from: 28_500, to: 32_700 };
const SLICES = 4;
const SLICE = (PORTS.to - PORTS.from) / SLICES;
const first = PORTS.from + (Number(process.env.JEST_WORKER_ID ?? 1) % SLICES) * SLICE;
let given = randomInt(SLICE);

/** A port on which nothing listens, and which this file of tests was not given before: what asks for several listens on them only later. */
export async function freePort(): Promise<number> {
  for (let n = 0; n < SLICE; n += 1) {
    given = (given + 1) % SLICE;
    const port = first + given;
    if (await isFree(port)) return port;
  }
  throw new Error(`None of the ports from ${first} to ${first + SLICE - 1} is free.`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
