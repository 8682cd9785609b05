import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { onRealStack } from '../support/platform';
import { violationsOf } from './campaign/check-history';
import { moment, oneOf, type Random, shuffled } from './campaign/fault';
import { packetsUnder } from './campaign/faults';
import { Load } from './campaign/load';
import { type Scene, setScene } from './campaign/scene';

const SECONDS = Number(process.env.CAMPAIGN_SECONDS ?? 45);
const SEED = Number(process.env.CAMPAIGN_SEED ?? randomInt(2 ** 31));
const SETTLE_MS = 480_000;
const SOURCES = 2;
const DESTINATIONS = 3;

/** Everything is asked again and read in the end, which takes about as long as it took to send it. */
jest.setTimeout(SECONDS * 3000 + SETTLE_MS + 120_000);

/** mulberry32: the same faults in the same order for the same seed; what they meet is up to the machine. */
function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Load runs throughout; what is judged is what the clients saw. */
describe('A campaign of faults', () => {
  const random = randomOf(SEED);
  let scene: Scene;
  beforeAll(async () => (scene = await setScene(random)));
  afterAll(() => scene?.end());

  it(`loses no packet that was acknowledged, whatever is taken away, for ${SECONDS} s`, async () => {
    const { platform, content, left } = scene;
    const parties = await Promise.all(Array.from({ length: SOURCES + DESTINATIONS }, () => platform.makeParty()));
    const load = new Load(platform, parties.slice(0, SOURCES), parties.slice(SOURCES));
    // Each once in an order of chance, then by chance.
    const faults = shuffled(random, scene.faults);
    const struck: Record<string, number> = {};
    const inFlight: number[] = [];
    load.begin();
    const until = Date.now() + SECONDS * 1000;
    for (let number = 0; Date.now() < until; number++) {
      await moment(random, 3000);
      const fault = number < faults.length ? faults[number] : oneOf(random, faults);
      struck[fault.name] = (struck[fault.name] ?? 0) + 1;
      inFlight.push(load.inFlight);
      await fault.strike();
      await moment(random, fault.atMostMs ?? 2000);
      await fault.mend();
      await sleep(1000);
    }
    const history = await load.finish(async () => packetsUnder(content));
    const violations = violationsOf(history);
    const runs = inFlight.length;
    process.stdout.write(
      [
        `campaign: seed ${SEED}, ${runs} faults in ${SECONDS} s on ${onRealStack ? 'the real stack' : 'the embedded default'}`,
        ...Object.entries(struck).map(([name, count]) => `  ${count} × ${name}`),
        ...left.map((what) => `  not struck: ${what}`),
        `  ${load.acknowledged} packets to two destinations each, ${Math.min(...inFlight)} to ${Math.max(...inFlight)} in flight at a fault; ${history.confirmed.length} confirmations, ${history.events.length} events`,
        `  requests that failed for good: ${JSON.stringify(Object.fromEntries(load.failures))}`,
        `  violations: ${violations.length}${violations.length === 0 ? `; 0 in ${runs} faults bounds the rate below ${((3 / runs) * 100).toFixed(1)} % at 95 %` : ''}`,
        '',
      ].join('\n'),
    );
    expect(violations.slice(0, 20)).toEqual([]);
    expect(load.acknowledged).toBeGreaterThan(20);
  });
});
