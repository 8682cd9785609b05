import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppProcess } from '../support/app-process';
import { eventually } from '../support/eventually';
import { freePort } from '../support/standalone-process';

jest.setTimeout(180_000);

/** What `npm start` cannot start with: one clear sentence, exit code 1, nothing half-started. */
describe('A start of the embedded default that is refused', () => {
  let folder: string;
  let first: AppProcess | undefined;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lienthong-refused-'))));
  afterEach(async () => {
    await first?.stop();
    first = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (env: Record<string, string> = {}) => {
    const port = String(await freePort());
    return AppProcess.start('standalone', {
      HOST: '127.0.0.1',
      PORT: port,
      INTERNAL_PORT: String(await freePort()),
      DATA_DIR: join(folder, 'data'),
      ...env,
    });
  };

  const refuses = async (sentence: RegExp, env?: Record<string, string>) => {
    const refused = await start(env);
    const code = await refused.exit(120_000).catch(() => `none, it said: ${refused.log()}`);
    if (!refused.ended()) await refused.stop();
    expect(code).toBe(1);
    expect(refused.log().trim().split('\n').at(-1)).toMatch(sentence);
    expect(refused.log()).not.toMatch(/^\s+at /m);
  };

  const databaseRuns = () => {
    const file = join(folder, 'data/postgres/postmaster.pid');
    if (!existsSync(file)) return false;
    try {
      return process.kill(Number(readFileSync(file, 'utf8').split('\n')[0]), 0);
    } catch {
      return false;
    }
  };

  it('by a port in use: says which, and makes no data', async () => {
    const other = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    try {
      await refuses(/^PORT: port \d+ is in use by another program/, { PORT: String(port) });
      expect(existsSync(join(folder, 'data'))).toBe(false);
    } finally {
      other.close();
    }
  });

  it('by a data folder that cannot be written', async () => {
    writeFileSync(join(folder, 'data'), 'a file, not a folder');
    await refuses(/^The data folder .* cannot be written/);
  });

  it('by a data folder that is damaged: says so, and leaves it as it is', async () => {
    mkdirSync(join(folder, 'data/postgres/base'), { recursive: true });
    await refuses(/^The data folder .* is damaged: .*Restore it from a backup/);
    expect(existsSync(join(folder, 'data/postgres/base'))).toBe(true);
  });

  it('by a platform that runs on the same folder, which goes on; once stopped, its database has ended too', async () => {
    first = await start();
    await first.ready();
    await refuses(/^The data folder .* is in use by the platform with process id \d+/);
    expect((await first.get('/readyz')).status).toBe(200);
    expect(databaseRuns()).toBe(true);
    await first.stop();
    await eventually(() => !databaseRuns());
  });

  it('by a damaged control file of PostgreSQL, and leaves no database behind', async () => {
    first = await start();
    await first.ready();
    await first.stop();
    const control = join(folder, 'data/postgres/global/pg_control');
    writeFileSync(control, Buffer.alloc(readFileSync(control).length, 0x5a));
    await refuses(/^PostgreSQL did not start from .* may be damaged/);
    expect(databaseRuns()).toBe(false);
  });
});

/** Asked to stop before it is ready, it takes along what it has started: nothing of it is left for the next start to find. */
describe('A start of the embedded default that is ended', () => {
  let folder: string;
  let data: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lienthong-ended-'));
    data = join(folder, 'data');
  });
  afterEach(async () => {
    for (const pid of processesOf(data)) process.kill(pid, 'SIGKILL');
    await eventually(() => processesOf(data).length === 0);
    rmSync(folder, { recursive: true, force: true });
  });

  const environment = async (more: Record<string, string> = {}) => ({
    HOST: '127.0.0.1',
    PORT: String(await freePort()),
    INTERNAL_PORT: String(await freePort()),
    DATA_DIR: data,
    ...more,
  });
  /** A store at which nobody answers. */
  const awayS3 = async () => ({
    STORAGE: 's3',
    S3_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    S3_ACCESS_KEY: 'x',
    S3_SECRET_KEY: 'x',
  });
  const start = async (more?: Record<string, string>) => AppProcess.start('standalone', await environment(more));

  const postmaster = (): string[] => {
    const file = join(data, 'postgres/postmaster.pid');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  };

  /** From the first file of initdb until the cluster is whole and has its name. */
  const makesDatabase = (): boolean =>
    existsSync(data) && readdirSync(data).some((name) => name.startsWith('postgres.new-'));

  async function endsWithNothingLeft(app: AppProcess): Promise<void> {
    process.kill(app.pid, 'SIGTERM');
    expect(await app.exit(40_000)).toBe(0);
    expect(processesOf(data)).toEqual([]);
    expect(existsSync(join(data, 'lienthong.pid'))).toBe(false);
    expect(app.log()).not.toMatch(/Cannot start|^\s+at /m);
  }
  async function startsAgain(): Promise<void> {
    const again = await start();
    await again.ready();
    await again.stop();
    expect(processesOf(data)).toEqual([]);
  }

  it('while it waits for its S3: stops its database, and exits with 0', async () => {
    const waiting = await start(await awayS3());
    await eventually(() => waiting.log().includes('waiting for the storage'), { within: 60_000 });
    expect(processesOf(data).length).toBeGreaterThan(0);
    await endsWithNothingLeft(waiting);
    await startsAgain();
  });

  it.each([
    ['makes its database', makesDatabase],
    ['starts its database', () => existsSync(join(data, 'postgres.log'))],
    ['waits for its database', () => postmaster().length > 0],
    // The eighth line of the file is the state (PostgreSQL, `LOCK_FILE_LINE_PM_STATUS`).
    ['makes its tables', () => postmaster()[7]?.startsWith('ready')],
  ])('while it %s, the first time, by SIGTERM: the next start is a good one', async (_what, itIsSo) => {
    const starting = await start();
    await eventually(itIsSo, { within: 60_000, every: 1 });
    await endsWithNothingLeft(starting);
    await startsAgain();
  });

  it('while it makes its database, by kill -9: the next start makes another, and keeps nothing of this one', async () => {
    const starting = await start();
    await eventually(makesDatabase, { within: 60_000, every: 1 });
    process.kill(starting.pid, 'SIGKILL');
    await starting.exit(10_000);
    expect(existsSync(join(data, 'postgres'))).toBe(false);
    await startsAgain();
    await eventually(() => !makesDatabase());
  });

  it('by way of `npm start`’s own program, which passes it on and ends last', async () => {
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, ...(await environment(await awayS3())) };
    const program = spawn(process.execPath, ['deploy/local/start.mjs'], {
      cwd: join(__dirname, '../..'),
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    program.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const ended = once(program, 'exit');
    await eventually(() => existsSync(join(data, 'lienthong.pid')) && processesOf(data).length > 0, {
      within: 120_000,
    });
    await eventually(
      async () =>
        (await fetch(`http://127.0.0.1:${env.INTERNAL_PORT}/readyz`, { signal: AbortSignal.timeout(5000) })).status ===
        503,
      { within: 60_000 },
    );
    program.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(processesOf(data)).toEqual([]);
    expect(said).toContain('Building');
  });
});

/** Processes that name the folder on their command line: the database's, whether it has written its number or not. */
function processesOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && commandOf(name).includes(folder))
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
