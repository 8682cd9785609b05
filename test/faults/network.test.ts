import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { inlineRequest, packetIn, receiveOne, sendInline } from '../support/exchange';
import { onEmbedded, type Party, type Platform, startStandalone } from '../support/platform';
import { RawStream } from '../support/raw-stream';
import { itWhen } from '../support/when';
import { violationsOf } from './campaign/check-history';
import { packetsUnder } from './campaign/kept-content';
import { Load } from './campaign/load/load';
import { type Link, networkFaults, openLink } from './campaign/network';

jest.setTimeout(150_000);
const RECOVERED = { within: 60_000, every: 250 };
const onStack = 'on the real stack the campaign does it to every app and server';

/** The platform in one process, and its PostgreSQL behind a network of its own. */
describe('The network to PostgreSQL', () => {
  let folder: string;
  let database: TestDatabase;
  let link: Link;
  let platform: Platform;

  beforeAll(async () => {
    if (!onEmbedded) return;
    folder = mkdtempSync(join(tmpdir(), 'lienthong-network-'));
    database = await testDatabase();
    link = await openLink('platform', 'PostgreSQL', database.url);
    platform = await startStandalone({
      DATA_DIR: folder,
      DATABASE_URL: link.proxy.address(database.url),
      SWEEP_QUIET_SECONDS: '2',
    });
  });
  const makeParties = (count: number): Promise<Party[]> =>
    Promise.all(Array.from({ length: count }, () => platform.makeParty()));
  afterAll(async () => {
    if (!onEmbedded) return;
    await platform?.stop();
    await link?.proxy.cut();
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  itWhen(onEmbedded, onStack)(
    'whose other end is gone without a word costs a request 20 s at most (503), and work goes on over new connections though nobody resets the old',
    async () => {
      const [source, destination] = await makeParties(2);
      const stream = await RawStream.of(platform.baseUrl, destination);
      const answer = async () => {
        const { status, json } = await platform.fetch('/v1/packets', {
          method: 'POST',
          body: inlineRequest(destination),
          key: source.key,
        });
        return { status, code: json.code };
      };
      link.proxy.silence();
      const began = performance.now();
      const refused = await answer();
      const refusedMs = performance.now() - began;
      expect(refusedMs).toBeLessThan(20_000);
      expect(refused).toEqual({ status: 503, code: 'unavailable' });
      link.proxy.resume('dead');
      const resumed = performance.now();
      await eventually(async () => (await answer()).status === 201, RECOVERED);
      console.info(
        `PostgreSQL silent: 503 after ${Math.round(refusedMs)} ms; new connections possible, a packet is taken after ${Math.round(performance.now() - resumed)} ms`,
      );
      const { packetId } = await sendInline(source, destination);
      const notice = await eventually(
        () => stream.events.find(({ subject, type }) => subject === packetId && type === 'packet.available'),
        RECOVERED,
      );
      stream.ack(notice.offset);
      await eventually(() => receiveOne(destination, packetId), RECOVERED);
      await packetIn(source, packetId, 'completed', RECOVERED);
      await stream.close();
    },
  );

  itWhen(onEmbedded, onStack)(
    'may be cut, reset, stand still, be silent and be slow, under load, and nothing that was acknowledged is lost',
    async () => {
      const parties = await makeParties(3);
      const load = new Load(platform, { sources: parties.slice(0, 1), destinations: parties.slice(1) });
      let faults = 0;
      try {
        load.begin();
        for (const fault of networkFaults([link], Math.random)) {
          faults += 1;
          await sleep(1000);
          await fault.strike();
          await sleep(2000);
          await fault.mend();
        }
        const history = await load.finish(() => packetsUnder(join(platform.standalone!.folder, 'content')));
        expect(violationsOf(history)).toEqual([]);
      } finally {
        await load.abort();
      }
      expect(load.acknowledged).toBeGreaterThan(0);
      console.info(`network to PostgreSQL: ${faults} faults, ${load.acknowledged} packets acknowledged, 0 violations`);
    },
  );
});
