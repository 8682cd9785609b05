import { randomInt } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { receiveOne, sendInline } from '../support/exchange';
import { cannotForget, type ForgetfulDisk } from '../support/forgetful-disk';
import { onRealStack } from '../support/platform';
import { itWhen } from '../support/when';
import { judge } from './campaign/judge';
import { outcomesOf } from './campaign/history';
import { packetsUnder } from './campaign/kept-content';
import { Load } from './campaign/load/load';
import { type Scene, setScene } from './power-loss/scene';

/** Each starts everything anew. */
const CUTS = Number(process.env.POWER_CUTS ?? (onRealStack ? 0 : 3));
const SOURCES = 2;
const DESTINATIONS = 2;

jest.setTimeout(300_000 + CUTS * 120_000);
/** All servers of the stack start again after each cut, a minute and a half. */
const reason = CUTS === 0 ? 'POWER_CUTS=2 does it on the real stack' : cannotForget();

/** Written before each cut: the cut proves something only when it takes what was not synced, and no more. */
const SYNCED = 'synced';
const NOT_SYNCED = 'not-synced';

function mark({ folder }: ForgetfulDisk, cut: number): void {
  const file = openSync(join(folder, SYNCED), 'w');
  writeFileSync(file, `cut ${cut}`);
  fsyncSync(file);
  closeSync(file);
  writeFileSync(join(folder, NOT_SYNCED), `cut ${cut}`);
}

/** @returns what is there of the marks */
function marksOn({ folder }: ForgetfulDisk): string[] {
  const read = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '');
  return [SYNCED, NOT_SYNCED].map(read);
}

describe('A host that loses its power', () => {
  let scene: Scene;
  afterAll(() => scene?.end());

  itWhen(reason === '', reason)(
    `loses no packet that was acknowledged, nor what it needs to go on, in ${CUTS} cuts under load`,
    async () => {
      scene = await setScene();
      const { platform, disks, content } = scene;
      const parties = await Promise.all(Array.from({ length: SOURCES + DESTINATIONS }, () => platform.makeParty()));
      const load = new Load(platform, { sources: parties.slice(0, SOURCES), destinations: parties.slice(SOURCES) });
      const inFlight: number[] = [];
      const backMs: number[] = [];
      try {
        for (let cut = 0; cut < CUTS; cut++) {
          disks.forEach((disk) => mark(disk, cut));
          if (cut > 0) await sleep(randomInt(2000));
          // Every other cut comes with an answer to a completion, the others at any moment.
          const { acknowledged } = load;
          if (cut % 2 === 1) await eventually(() => load.acknowledged > acknowledged, { within: 60_000, every: 1 });
          // The first comes soon after the first start, and with the first packet: nobody else's has anything synced after it.
          const alone = cut === 0 && (await sendInline(parties[0], parties[SOURCES])).packetId;
          inFlight.push(load.inFlight);
          const began = performance.now();
          await scene.cutPower();
          backMs.push(Math.round(performance.now() - began));
          expect(disks.map(marksOn)).toEqual(disks.map(() => [`cut ${cut}`, '']));
          if (!alone) continue;
          await receiveOne(parties[SOURCES], alone);
          load.begin(scene.kept);
        }
        const history = await load.finish(() => packetsUnder(content));
        const { violations, entries } = await judge(platform, history);
        process.stdout.write(
          [
            `power loss: ${CUTS} cuts on ${onRealStack ? 'the real stack' : 'the embedded default'}, started again within ${Math.max(...backMs)} ms; ${disks.length} disks forgot what was not synced, and only that, each time`,
            `  ${load.acknowledged} packets to two destinations each, ${inFlight.slice(1).join(', ')} in flight at the cuts under load; ${history.confirmed.length} confirmations`,
            `  outcomes: ${JSON.stringify(outcomesOf(history))}; ${entries} audit entries verified`,
            `  content looked at: of ${history.looks.live} packets that were not over, of ${history.looks.purged} that were purged`,
            `  requests that failed for good: ${JSON.stringify(Object.fromEntries(load.failures))}`,
            `  violations: ${violations.length}`,
            '',
          ].join('\n'),
        );
        expect(violations.slice(0, 20)).toEqual([]);
        expect(load.acknowledged).toBeGreaterThan(CUTS);
      } finally {
        await load.abort();
      }
    },
  );
});
