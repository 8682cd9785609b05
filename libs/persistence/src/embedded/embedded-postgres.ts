import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { syncFolder, writeDurably } from '../durable-file';
import { mustBeWritable, postgresBinaries, type RunAs, unprivilegedUser } from './postgres-binaries';

const START_SECONDS = 60;

/** A cluster that is being made has a name of its own, since what was killed meanwhile may leave it half made, or go on making it. */
const UNFINISHED = 'postgres.new-';

/**
 * PostgreSQL's words when the server of a process that was killed is still in the folder: just starting (its number not written yet when it was
 * looked for), or its last children just ending. The first is taken over, the second waited for.
 */
const HELD_BY_ANOTHER = /another postmaster|old server processes|shared memory/;

/**
 * A real PostgreSQL of our own, from an npm package, for the embedded default: its data under `<folder>/postgres`, on a loopback port that is
 * free, with a password of its own. It outlives a `kill -9` of its parent: the next start finds it running and takes it over.
 */
export class EmbeddedPostgres {
  private readonly data: string;
  private readonly log: string;
  private readonly passwordFile: string;
  private runAs: RunAs = { prefix: [] };
  private child?: ChildProcess;
  private watch?: NodeJS.Timeout;
  private port = 0;
  /** Length of the log when the server was started: what follows is about this start. */
  private logged = 0;
  /** The last start, also after a death. */
  private starting?: Promise<unknown>;
  private stopping = false;

  constructor(
    private readonly folder: string,
    private readonly say: (message: string) => void = () => undefined,
  ) {
    this.data = join(folder, 'postgres');
    this.log = join(folder, 'postgres.log');
    this.passwordFile = join(folder, 'postgres-password');
  }

  /**
   * Makes the cluster on the first call, starts it, waits until it answers.
   * @returns the URL of its database `lienthong`
   * @throws Error with one sentence: folder not writable, data damaged, platform binary missing
   */
  start(): Promise<string> {
    this.stopping = false;
    const started = this.startNew();
    this.starting = started;
    return started;
  }

  /** Fast shutdown: clients are cut, data is flushed; waits for the end of the process. A start under way is waited for until there is something to stop. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.watch);
    await this.starting?.catch(() => undefined);
    const pid = this.runningPid();
    if (!pid) return;
    process.kill(pid, 'SIGINT');
    for (let waited = 0; isAlive(pid); waited += 50) {
      if (waited > 20_000) process.kill(pid, 'SIGQUIT');
      await sleep(50);
    }
  }

  private async startNew(): Promise<string> {
    const binaries = postgresBinaries();
    try {
      mkdirSync(this.folder, { recursive: true });
    } catch {
      throw new Error(
        `The data folder ${this.folder} cannot be made. Set DATA_DIR to a folder that this user may write.`,
      );
    }
    mustBeWritable(this.folder);
    this.runAs = unprivilegedUser([binaries.postgres, this.folder]);
    if (!existsSync(join(this.data, 'PG_VERSION'))) await this.initialise(binaries.initdb);
    if (!this.stopping) await this.launch(binaries.postgres);
    if (this.stopping) throw new Error('PostgreSQL was stopped while it started.');
    this.watch = setInterval(() => this.restartIfGone(binaries.postgres), 1000);
    this.watch.unref();
    return this.url('lienthong');
  }

  /** Process id of the postmaster, for tests that kill it. */
  runningPid(): number | undefined {
    const file = join(this.data, 'postmaster.pid');
    if (!existsSync(file)) return undefined;
    const [pid, , , port] = readFileSync(file, 'utf8').split('\n');
    if (!isAlive(Number(pid)) || !isPostgres(Number(pid))) return undefined;
    this.port = Number(port) || this.port;
    return Number(pid);
  }

  private url(database: string): string {
    return `postgres://lienthong:${readFileSync(this.passwordFile, 'utf8').trim()}@127.0.0.1:${this.port}/${database}`;
  }

  private async initialise(initdb: string): Promise<void> {
    if (existsSync(this.data))
      throw new Error(
        `The data folder ${this.data} is damaged: it holds no PostgreSQL cluster (PG_VERSION is missing). Restore it from a backup, or move it away to start empty.`,
      );
    for (const name of readdirSync(this.folder).filter((name) => name.startsWith(UNFINISHED)))
      rmSync(join(this.folder, name), { recursive: true, force: true });
    writeDurably(this.passwordFile, randomBytes(24).toString('base64url'));
    const unfinished = mkdtempSync(join(this.folder, UNFINISHED));
    const owner = this.owner();
    if (owner) for (const path of [unfinished, this.passwordFile]) chownSync(path, owner.uid, owner.gid);
    const args = ['-D', unfinished, '-U', 'lienthong', '--pwfile', this.passwordFile];
    const { code, output } = await this.run(initdb, [
      ...args,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
    ]);
    if (code !== 0) {
      rmSync(unfinished, { recursive: true, force: true });
      throw new Error(`PostgreSQL could not make its data folder ${this.data}: ${lastLine(output)}`);
    }
    if (owner) chownSync(this.passwordFile, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    renameSync(unfinished, this.data);
    // initdb has synced what is in the cluster, not that there is one.
    syncFolder(this.folder);
  }

  /** @param port the port that the pools know already, after a death; otherwise a free one */
  private async launch(postgres: string, port?: number): Promise<void> {
    if (!this.runningPid()) await this.spawn(postgres, port);
    const began = performance.now();
    while (performance.now() - began < START_SECONDS * 1000) {
      if (this.child && this.child.exitCode !== null) {
        this.child = undefined;
        const said = readFileSync(this.log).subarray(this.logged).toString();
        if (!this.runningPid() && !HELD_BY_ANOTHER.test(said))
          throw new Error(
            `PostgreSQL did not start from ${this.data}; the folder may be damaged or the disk full: ${lastLine(said)}`,
          );
      }
      if ((this.stopping && this.runningPid()) || (await this.answers())) return;
      await sleep(100);
      if (!this.child && !this.runningPid()) await this.spawn(postgres, port);
    }
    throw new Error(`PostgreSQL did not answer within ${START_SECONDS} s; see ${this.log}.`);
  }

  private async spawn(postgres: string, port?: number): Promise<void> {
    this.port = port ?? (await freePort());
    const log = openSync(this.log, 'a', 0o600);
    this.logged = statSync(this.log).size;
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      port: this.port,
      max_connections: 100,
      shared_buffers: '128MB',
      max_wal_size: '512MB',
      log_min_messages: 'warning',
      cluster_name: 'lienthong',
    };
    const [command, ...args] = [
      ...this.runAs.prefix,
      postgres,
      '-D',
      this.data,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ];
    this.child = spawn(command, args, {
      uid: this.runAs.uid,
      gid: this.runAs.gid,
      // Its own group: Ctrl-C in the terminal must reach the apps first, and the database last.
      detached: true,
      stdio: ['ignore', log, log],
    });
    this.child.unref();
    closeSync(log);
  }

  /** Whether it takes connections; its database is there when it does. */
  private async answers(): Promise<boolean> {
    const client = new Client({ connectionString: this.url('postgres'), connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const found = await client.query(`SELECT 1 FROM pg_database WHERE datname = 'lienthong'`);
      if (found.rowCount === 0) await client.query('CREATE DATABASE lienthong');
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === '28P01')
        throw new Error(
          `The password in ${this.passwordFile} does not open the database in ${this.data}. Restore both from the same backup.`,
          { cause: error },
        );
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  private restartIfGone(postgres: string): void {
    if (this.runningPid()) return;
    clearInterval(this.watch);
    this.say('PostgreSQL is gone; starting it again');
    this.child = undefined;
    this.starting = this.launch(postgres, this.port)
      .catch((error: Error) => this.say(error.message))
      .finally(() => {
        if (this.stopping) return;
        this.watch = setInterval(() => this.restartIfGone(postgres), 1000);
        this.watch.unref();
      });
  }

  private owner(): { uid: number; gid: number } | undefined {
    if (this.runAs.uid !== undefined) return { uid: this.runAs.uid, gid: this.runAs.gid as number };
    const uid = this.runAs.prefix.find((word) => word.startsWith('--reuid='))?.slice(8);
    const gid = this.runAs.prefix.find((word) => word.startsWith('--regid='))?.slice(8);
    return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
  }

  private run(program: string, args: string[]): Promise<{ code: number | null; output: string }> {
    const [command, ...rest] = [...this.runAs.prefix, program, ...args];
    return new Promise((resolve, reject) => {
      const child = spawn(command, rest, { uid: this.runAs.uid, gid: this.runAs.gid });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, output }));
    });
  }
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** After a reboot the number in postmaster.pid may belong to another program. Where there is no /proc, PostgreSQL's own check decides. */
function isPostgres(pid: number): boolean {
  const file = `/proc/${pid}/cmdline`;
  return !existsSync('/proc/self') || (existsSync(file) && readFileSync(file, 'utf8').includes('postgres'));
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
