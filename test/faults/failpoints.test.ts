import { randomInt } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import {
  onRealStack,
  type Party,
  type Platform,
  stackControl,
  startPlatform,
  startStandalone,
} from '../support/platform';
import { itWhen } from '../support/when';
import { violationsOf } from './campaign/check-history';
import { packetsUnder } from './campaign/kept-content';
import { Load } from './campaign/load/load';

jest.setTimeout(300_000);

/** Each takes some seconds: a run of all tests does a few of them, another few each time; `npm run faults` does them all. On the real stack, where eight processes start anew for each, only that. */
const AT_ONCE = process.env.FAILPOINTS === 'all' ? Infinity : onRealStack ? 0 : 6;
const ROUNDS = Number(process.env.FAILPOINT_ROUNDS ?? 1);
const preload = join(__dirname, 'failpoints/die-at.cjs');

/** Steps of reliability 9.2: what has just been done, or was about to be, when the process died. */
const STEPS: [string, string][] = [
  ['a space is on record, and its answer not given', 'RequestSpace.send after'],
  ['inline content is stored, and nothing on record', 'FilesystemStorage.put after'],
  ['an upload has arrived, and its answer is not given', 'FilesystemStorage.receive after'],
  ['a completion is looked at, and not on record', 'CompleteUpload.complete before'],
  ['a completion is on record, and the 202 not given', 'CompleteUpload.complete after'],
  ['the 202 of a completion is given, and nothing more done', 'ServerResponse.end after 202'],
  ['tasks are with the broker, and not marked as sent', 'OutboxStore.remove before'],
  ['tasks are claimed, and not sent', 'OutboxStore.claim after'],
  ['an analysis begins', 'AnalysePacket.analyse before'],
  ['an analysis is on record, and its task not acknowledged', 'AnalysePacket.analyse after'],
  ['events are committed, and not numbered', 'EventStreamStore.number before'],
  ['events are numbered, and not sent', 'EventStreamStore.number after'],
  ['readiness is on record, and its answer not given', 'ReadyToReceive.ready after'],
  ['a confirmation has come, and is not on record', 'ConfirmReceipt.confirm before'],
  ['a confirmation is on record, and its answer not given', 'ConfirmReceipt.confirm after'],
  ['a purge is due, and not begun', 'PurgeContent.purge before'],
  ['content is to be deleted, and is not', 'FilesystemStorage.purge before'],
  ['content is deleted, and that is not on record', 'FilesystemStorage.purge after'],
  ['a purge is on record, and its task not acknowledged', 'PurgeContent.purge after'],
  ['entries are to be sealed', 'AuditSealStore.seal before'],
  ['entries are sealed, and that is not exported', 'AuditSealStore.seal after'],
];

/** An upload to S3 passes by the platform. */
const AT_S3 = STEPS.filter(([, step]) => step !== 'FilesystemStorage.receive after').map(
  ([what, step]): [string, string] => [what, step.replace('FilesystemStorage', 'S3Storage')],
);

/** A platform whose processes die at a step that a file names. */
interface Stage {
  platform: Platform;
  /** Where content lies. */
  content: string;
  /** Starts every process anew: the file is read at the start. */
  arm(): Promise<void>;
  /** Starts what has died. */
  mend(): Promise<void>;
  end(): Promise<void>;
}

const failing = (file: string): Record<string, string> => ({
  NODE_OPTIONS: `--require ${preload}`,
  FAILPOINT_FILE: file,
  SWEEP_QUIET_SECONDS: '2',
  AUDIT_SEAL_SECONDS: '1',
});

async function embedded(file: string): Promise<Stage> {
  const platform = await startStandalone(failing(file));
  const standalone = platform.standalone!;
  return {
    platform,
    content: join(standalone.folder, 'content'),
    arm: async () => {
      await standalone.terminate();
      await platform.start();
    },
    mend: async () => {
      await standalone.kill9();
      await platform.start();
    },
    end: () => platform.stop(),
  };
}

async function realStack(file: string): Promise<Stage> {
  const platform = await startPlatform();
  const { s3Folder } = await stackControl<Record<string, string>>('describe');
  const instances = ['auth', 'connector', 'scheduler', 'notifier'].flatMap((app) => [`${app}-1`, `${app}-2`]);
  const settings = Object.fromEntries(instances.map((instance) => [instance, failing(file)]));
  const start = () => stackControl('start-apps', '', settings);
  return {
    platform,
    content: s3Folder,
    arm: async () => {
      await stackControl('kill-apps');
      await start();
    },
    mend: start,
    end: async () => {
      await stackControl('kill-apps');
      await stackControl('start-apps');
      await platform.stop();
    },
  };
}

describe('A process that dies at a named step', () => {
  const file = join(process.env.TMPDIR ?? '/tmp', `lienthong-failpoint-${process.pid}`);
  let stage: Stage;
  let parties: Party[];
  const died: string[] = [];

  const all = Array.from({ length: ROUNDS }, () => (onRealStack ? AT_S3 : STEPS)).flat();
  const first = randomInt(all.length);
  const isChosen = (index: number) => (index - first + all.length) % all.length < AT_ONCE;

  beforeAll(async () => {
    if (AT_ONCE === 0) return;
    stage = await (onRealStack ? realStack(file) : embedded(file));
    parties = await Promise.all(Array.from({ length: 3 }, () => stage.platform.makeParty()));
  });
  afterAll(async () => {
    process.stdout.write(
      `failpoints: died at ${died.length} of ${Math.min(AT_ONCE, all.length)} steps on ${onRealStack ? 'the real stack' : 'the embedded default'}\n`,
    );
    rmSync(file, { force: true });
    await stage?.end();
  });

  for (const [index, [what, step]] of all.entries())
    itWhen(isChosen(index), onRealStack ? 'FAILPOINTS=all does all' : 'npm run faults does all')(
      `loses nothing when ${what} (${step})`,
      async () => {
        writeFileSync(file, step);
        await stage.arm().catch((error: unknown) => {
          // Some steps are already done by a start.
          if (existsSync(file)) throw error;
        });
        const load = new Load(stage.platform, { sources: parties.slice(0, 1), destinations: parties.slice(1) });
        try {
          load.begin();
          await eventually(() => !existsSync(file), { within: 60_000, every: 20 });
          died.push(step);
          await stage.mend();
          const history = await load.finish(() => packetsUnder(stage.content));
          expect(violationsOf(history)).toEqual([]);
        } finally {
          await load.abort();
        }
        expect(load.acknowledged).toBeGreaterThan(0);
      },
    );
});
