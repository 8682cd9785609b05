import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { onEmbedded, onRealStack, type Platform, stackControl, startPlatform } from '../support/platform';
import { itWhen } from '../support/when';
import { violationsOf } from './campaign/check-history';
import { packetsUnder } from './campaign/kept-content';
import { Load } from './campaign/load/load';

jest.setTimeout(300_000);
const RECOVERED = { within: 60_000, every: 50 };
const ATTACHED = /Process (\d+) attached/g;
const PANIC = /PANIC: {2}could not (fsync|fdatasync) (.*): Input\/output error/g;

/** Why no process can be traced here; empty when one can. */
function cannotTrace(): string {
  const { status, error, stderr } = spawnSync('strace', ['-qq', '-e', 'trace=none', 'true'], { encoding: 'utf8' });
  return status === 0 ? '' : `strace cannot be used here: ${error?.message ?? stderr.trim()}`;
}

/** The disk answers the next sync of each of these processes with EIO; of those that come after them it takes it. @returns its tracer, once it is there */
async function failNextSync(pids: number[]): Promise<ChildProcess> {
  const options = ['-e', 'trace=fsync,fdatasync', '-e', 'inject=fsync,fdatasync:error=EIO:when=1', '-o', '/dev/null'];
  const tracer = spawn('strace', [...options, ...pids.flatMap((pid) => ['-p', String(pid)])]);
  let said = '';
  tracer.stderr.on('data', (text) => (said += String(text)));
  await eventually(() => [...said.matchAll(ATTACHED)].length === pids.length).catch(() => {
    tracer.kill();
    throw new Error(`strace has not come to all of ${pids.join()}: ${said}`);
  });
  return tracer;
}

const reason = cannotTrace();

describe('A disk that fails to sync what PostgreSQL has written (EIO)', () => {
  let platform: Platform;
  let content: string;
  let log: string;
  beforeAll(async () => {
    platform = await startPlatform();
    const stack = onRealStack ? await stackControl<Record<string, string>>('describe') : {};
    const folder = platform.standalone?.folder ?? '';
    content = onRealStack ? stack.s3Folder : join(folder, 'content');
    log = onRealStack ? stack.postgresLog : join(folder, 'postgres.log');
  });
  afterAll(() => platform?.stop());

  const pidsWhere = async (condition: string) =>
    (await platform.sql<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE ${condition}`)).map(({ pid }) => pid);
  const panics = () => [...readFileSync(log, 'utf8').matchAll(PANIC)].map(([, , what]) => what);

  /** @param prompt has the sync asked for at once */
  async function survives(what: string, condition: string, prompt: () => Promise<unknown>): Promise<void> {
    const [one, two, three, four] = await Promise.all(Array.from({ length: 4 }, () => platform.makeParty()));
    const load = new Load(platform, { sources: [one, two], destinations: [three, four] });
    const before = panics().length;
    const logged = platform.standalone?.log().length ?? 0;
    let tracer: ChildProcess | undefined;
    try {
      load.begin();
      await eventually(() => load.acknowledged > 2, RECOVERED);
      tracer = await failNextSync(await pidsWhere(condition));
      const began = performance.now();
      await prompt();
      const [file] = await eventually(() => panics().length > before && panics().slice(before), RECOVERED);
      const { acknowledged } = load;
      await eventually(() => load.acknowledged > acknowledged + 1, RECOVERED);
      const backMs = Math.round(performance.now() - began);
      const violations = violationsOf(await load.finish(() => packetsUnder(content)));
      // Requests in flight were told that it is away, and nothing else.
      const said = [...(platform.standalone?.log() ?? '').slice(logged).matchAll(/"status":(5\d\d)/g)];
      const statuses = said.map(([, status]) => status);
      console.info(
        `fsync error of ${what}: PostgreSQL ended itself (${file}) and recovered; a packet is taken ${backMs} ms after it; ${load.acknowledged} packets, ${onEmbedded ? `${statuses.length} answers of 503, ` : ''}${violations.length} violations`,
      );
      expect(violations).toEqual([]);
      expect(statuses.filter((status) => status !== '503')).toEqual([]);
      expect(load.acknowledged).toBeGreaterThan(acknowledged);
    } finally {
      await load.abort();
      tracer?.kill();
    }
  }

  itWhen(reason === '', reason)('of its log: ends itself and recovers, and nothing that was acknowledged is lost', () =>
    survives('its log', 'datname = current_database() AND pid <> pg_backend_pid()', async () => undefined),
  );

  itWhen(reason === '' && onEmbedded, reason || 'a checkpoint is asked for as a superuser')(
    'of a checkpoint: ends itself and recovers, and nothing that was acknowledged is lost',
    () =>
      survives('a checkpoint', `backend_type = 'checkpointer'`, () =>
        platform.sql('CHECKPOINT').catch(() => undefined),
      ),
  );
});
