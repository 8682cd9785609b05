import { judge } from '../faults/campaign/judge';
import { outcomesOf } from '../faults/campaign/history';
import { packetsInBucket } from '../faults/campaign/kept-content';
import { LATE, Load } from '../faults/campaign/load/load';
import { eventually } from '../support/eventually';
import { type Party, type Platform, stackControl, startPlatform } from '../support/platform';
import { itWhen } from '../support/when';
import { handOver } from './hand-over';
import { FORMER, NEW, ORDER, replace, sideOf, startAs, type Version } from './instances';

jest.setTimeout(40 * 60_000);

const SIDE_BY_SIDE_MS = 30_000;
/** In each part that only waits for load. */
const PACKETS = 50;
const DRAIN_MS = 30_000;
const PATIENT = { within: 240_000, every: 250 };
/** A client that asks once more, and not later than this. */
const ONCE_MORE = { attempts: 2, totalMs: 15_000, baseMs: 500, maxMs: 2000 };

/** F35: an upgrade without a stop, from the version that runs to this one, and one step of the way back. */
describe('Two versions', () => {
  let platform: Platform;
  let load: Load;
  beforeAll(async () => {
    if (FORMER) platform = await startPlatform();
  });
  afterAll(async () => {
    await load?.abort();
    await platform?.stop();
  });

  itWhen(FORMER !== undefined, 'it is told by npm run test:versions which version is upgraded')(
    'lose nothing that was acknowledged while one takes the place of the other under load, and take a step back on the new tables',
    async () => {
      const former = FORMER!;
      const parties = await Promise.all(Array.from({ length: 6 }, () => platform.makeParty()));
      const [nobody, ...others] = parties.map((party) => onceMore(platform, party));
      load = new Load(platform, { sources: others.slice(0, 2), destinations: others.slice(2), nobody });
      const streams = [others[0], others[2]].map(follow);
      const drains: number[] = [];
      load.begin(packetsInBucket);

      const failed = () => [...load.failures].filter(([what]) => !what.endsWith(LATE));
      const errors = () => failed().reduce((sum, [, count]) => sum + count, 0);
      const part = async (what: string, work: () => Promise<unknown>) => {
        const [before, known, began] = [load.acknowledged, errors(), Date.now()];
        try {
          await work();
        } catch (error) {
          say(`${what}: ended by an error; requests that failed: ${JSON.stringify(Object.fromEntries(failed()))}`);
          throw error;
        }
        say(
          `${what}: ${((Date.now() - began) / 1000).toFixed(0)} s, ${load.acknowledged - before} packets acknowledged, ${errors() - known} errors after one retry`,
        );
      };
      const packets = async (atLeastMs = 0) => {
        const [before, began] = [load.acknowledged, Date.now()];
        await eventually(() => load.acknowledged - before >= PACKETS && Date.now() - began >= atLeastMs, PATIENT);
      };
      const replaceAll = async (instance: number, version: Version, order = ORDER) => {
        for (const app of order) drains.push(await replace(`${app}-${instance}`, version));
      };
      const bothWays = async (...versions: [Version, Version]) => {
        const sides = await Promise.all(versions.map((version, at) => sideOf(at + 1, version)));
        for (const [giver, taker] of [sides, sides.toReversed()])
          await part(`what the ${giver.version.name} version gives, taken by the ${taker.version.name} one`, () =>
            handOver(platform, giver, taker),
          );
        for (const side of sides) side.close();
      };

      for (const app of ORDER) for (const instance of [1, 2]) await startAs(`${app}-${instance}`, former);
      await part('the former version alone', () => packets());
      await part('its instances on the tables of the new one', async () => {
        say(await stackControl<string>('migrate', NEW.folder));
        await packets();
      });
      await part('one instance of each app replaced', () => replaceAll(1, NEW));
      await part('side by side', () => packets(SIDE_BY_SIDE_MS));
      await bothWays(NEW, former);
      await part('the other instance of each app replaced', () => replaceAll(2, NEW));
      await part('the new version alone', () => packets());
      await part('the way back: one instance of each app', () => replaceAll(1, former, ORDER.toReversed()));
      await part('side by side', () => packets(SIDE_BY_SIDE_MS));
      await bothWays(former, NEW);

      const history = await load.finish(packetsInBucket);
      const { violations, entries } = await judge(platform, history);
      const outcomes = Object.entries(outcomesOf(history)).map(([state, count]) => `${count} ${state}`);
      say(
        `in all: ${load.acknowledged} packets to two destinations each (${outcomes.join(', ')}), ${history.confirmed.length} confirmations, ${entries} audit entries verified`,
      );
      say(`slowest end of an instance: ${(Math.max(...drains) / 1000).toFixed(1)} s`);
      say(`errors after one retry: ${JSON.stringify(Object.fromEntries(failed()))}; violations: ${violations.length}`);
      expect(violations.slice(0, 20)).toEqual([]);
      for (const { systemId, offsets, end } of streams) {
        const polled = history.events.filter(({ system }) => system === systemId).map(({ offset }) => Number(offset));
        await eventually(() => offsets.length >= polled.length, PATIENT);
        expect(offsets).toEqual(polled);
        await end();
      }
      expect(Object.fromEntries(failed())).toEqual({});
      expect(Math.max(...drains)).toBeLessThan(DRAIN_MS);
    },
  );
});

const say = (text: string) => process.stdout.write(`${text}\n`);

const onceMore = (platform: Platform, party: Party): Party => ({
  ...party,
  client: platform.clientOf({ ...party.issued, retry: ONCE_MORE }),
});

/** A stream of the client library that is there throughout: each event once, in order, whoever sends it. */
function follow({ client, systemId }: Party) {
  const stop = new AbortController();
  const offsets: number[] = [];
  const done = client.stream({ signal: stop.signal }).each(({ offset }) => void offsets.push(Number(offset)));
  const end = async () => {
    stop.abort();
    await done;
  };
  return { systemId, offsets, end };
}
