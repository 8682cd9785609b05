import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    expect(await refused.exit(120_000)).toBe(1);
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
