import { randomInt } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { onEmbedded, type Party, type Platform, startStandalone } from '../support/platform';
import { itWhen } from '../support/when';
import { violationsOf } from './campaign/check-history';
import { packetsUnder } from './campaign/kept-content';
import { Load } from './campaign/load';

jest.setTimeout(300_000);

/** Each takes some seconds: a run of all tests does a few of them, another few each time; `npm run faults` does them all. */
const AT_ONCE = process.env.FAILPOINTS === 'all' ? Infinity : 6;
const ROUNDS = Number(process.env.FAILPOINT_ROUNDS ?? 1);
const preload = join(__dirname, 'failpoints/die-at.cjs');

/** Steps of reliability 9.2: what has just been done, or was about to be, when the process died. */
const STEPS: [string, string][] = [
  ['a space is on record, and its answer not given', 'RequestSpace.send after'],
  ['inline content is stored, and nothing on record', 'FilesystemStorage.put after'],
  ['an upload has arrived, and its answer is not given', 'FilesystemStorage.receive after'],
  ['a completion is looked at, and not on record', 'CompleteUpload.complete before'],
  ['a completion is on record, and the 202 not given', 'CompleteUpload.complete after'],
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

describe('A process that dies at a named step', () => {
  let platform: Platform;
  let file: string;
  let parties: Party[];
  const died: string[] = [];

  beforeAll(async () => {
    if (!onEmbedded) return;
    const folder = join(process.env.TMPDIR ?? '/tmp', `lienthong-failpoint-${process.pid}`);
    file = folder;
    platform = await startStandalone({
      NODE_OPTIONS: `--require ${preload}`,
      FAILPOINT_FILE: file,
      SWEEP_QUIET_SECONDS: '2',
      AUDIT_SEAL_SECONDS: '1',
    });
    parties = await Promise.all(Array.from({ length: 3 }, () => platform.makeParty()));
  });
  afterAll(async () => {
    if (onEmbedded)
      process.stdout.write(`failpoints: died at ${died.length} of ${Math.min(AT_ONCE, STEPS.length * ROUNDS)} steps\n`);
    await platform?.stop();
  });

  const steps = Array.from({ length: ROUNDS }, () => STEPS).flat();
  const first = randomInt(steps.length);
  const isChosen = (index: number) => (index - first + steps.length) % steps.length < AT_ONCE;
  for (const [index, [what, step]] of steps.entries())
    itWhen(
      onEmbedded && isChosen(index),
      onEmbedded ? 'npm run faults does all' : 'the campaign kills the processes of the stack',
    )(`loses nothing when ${what} (${step})`, async () => {
      writeFileSync(file, step);
      await platform.standalone!.terminate();
      await platform.start().catch((error: unknown) => {
        // Some steps are already done by a start.
        if (existsSync(file)) throw error;
      });
      const load = new Load(platform, { sources: parties.slice(0, 1), destinations: parties.slice(1) });
      try {
        load.begin();
        await eventually(() => !existsSync(file), { within: 60_000, every: 20 });
        died.push(step);
        await platform.standalone!.kill9();
        await platform.start();
        const history = await load.finish(() => packetsUnder(join(platform.standalone!.folder, 'content')));
        expect(violationsOf(history)).toEqual([]);
      } finally {
        await load.abort();
      }
      expect(load.acknowledged).toBeGreaterThan(0);
    });
});
