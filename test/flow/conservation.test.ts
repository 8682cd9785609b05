import { ConservationStore, createDataSource, Transactions } from '@lienthong/persistence';
import { accept, deliveryId, openSpace, newFile, packetIn, purged, receiveOne, sendInline } from '../support/exchange';
import { eventually } from '../support/eventually';
import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { onEmbedded, type Party, type Platform, startPlatform, startStandalone } from '../support/platform';
import { itWhen } from '../support/when';

jest.setTimeout(180_000);
/** The books are those of the whole database, into which on the stack other tests write by SQL. */
const alone = itWhen(onEmbedded, 'other tests write into the same database');

describe('The books of the platform (check-conservation, check-store)', () => {
  let platform: Platform;
  let store: ConservationStore;
  let source: Party;
  let destination: Party;
  let close: () => Promise<void>;

  beforeAll(async () => {
    platform = await (onEmbedded ? startStandalone({ STORE_CHECK_SECONDS: '1' }) : startPlatform());
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
    const settings = { url: platform.databaseUrl(), poolSize: 2, applicationName: 'conservation' };
    const dataSource = await createDataSource(settings).initialize();
    close = () => dataSource.destroy();
    store = new ConservationStore(new Transactions(dataSource));
  });
  afterAll(async () => {
    await close?.();
    await platform?.stop();
  });

  const drift = async () => {
    const { begun, finished, live, stranded } = await store.balance();
    return { packets: begun - finished - live, deliveries: stranded, audit: await store.unaudited() };
  };
  const even = { packets: 0, deliveries: 0, audit: 0 };

  alone('balance at every moment while packets are sent, confirmed, recalled, refused and purged', async () => {
    const over = new AbortController();
    const seen: object[] = [];
    const looking = (async () => {
      while (!over.signal.aborted) seen.push(await drift());
    })();
    await openSpace(source, destination, newFile(1000));
    const recalled = await sendInline(source, destination);
    await source.client.packets.recall(recalled.packetId, 'gửi nhầm');
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        const { packetId } = await sendInline(source, destination);
        await packetIn(source, packetId, 'scheduled');
        await accept(destination, await deliveryId(source, packetId, destination));
        await purged(source, packetId);
      }),
    );
    over.abort();
    await looking;
    expect(seen.filter((one) => JSON.stringify(one) !== JSON.stringify(even))).toEqual([]);
    expect(seen.length).toBeGreaterThan(5);
    expect(await store.balance()).toMatchObject({ begun: 14, finished: 13, live: 1, purgePending: 0 });
    for (let n = 0; n < 3; n += 1) await store.sumUp();
    expect(await drift()).toEqual(even);
  });

  alone('count a packet that is sent again once, while it waits and when it has ended again', async () => {
    const policy = { keepAfterConfirmSeconds: 3600 };
    const { packetId } = await sendInline(source, destination, { policy });
    const first = await deliveryId(source, packetId, destination);
    await destination.client.deliveries.ready(first);
    await destination.client.deliveries.confirm(first, { outcome: 'rejected', parts: [], reasonCode: 'other' });
    await packetIn(source, packetId, 'completed');
    expect(await drift()).toEqual(even);
    await source.client.packets.resend(packetId);
    expect(await drift()).toEqual(even);
    await packetIn(source, packetId, 'scheduled');
    await receiveOne(destination, packetId);
    await packetIn(source, packetId, 'completed');
    expect(await drift()).toEqual(even);
  });

  alone('name what lies in the store and belongs to no packet, and the packet whose content is gone', async () => {
    const { packetId } = await sendInline(source, destination);
    await packetIn(source, packetId, 'scheduled');
    const counted = (of: string, n: number) =>
      eventually(async () =>
        new RegExp(`^lienthong_content_places\\{of="${of}"\\} ${n}$`, 'm').test(
          await (await fetch(`${platform.baseUrl}/metrics`)).text(),
        ),
      );
    await counted('missing', 0);
    await counted('unknown', 0);
    const place = (id: string) => join(platform.standalone!.folder, 'content', 'packets', id);
    const stranger = randomUUID();
    mkdirSync(place(stranger));
    await counted('unknown', 1);
    await counted('missing', 0);
    renameSync(place(packetId), place(randomUUID()));
    await counted('unknown', 2);
    await counted('missing', 1);
  });

  alone(
    'do not balance when a hand changes a state, loses a packet or a delivery, or tells what never happened: within a minute the metric says so',
    async () => {
      const { packetId } = await sendInline(source, destination);
      await packetIn(source, packetId, 'scheduled');
      await platform.sql(`UPDATE deliveries SET state = 'undeliverable' WHERE packet_id = $1`, [packetId]);
      expect(await drift()).toEqual({ ...even, deliveries: 1 });
      await platform.sql(`UPDATE packets SET state = 'completed' WHERE id = $1`, [packetId]);
      expect(await drift()).toEqual({ ...even, packets: 1 });
      await platform.sql(
        `INSERT INTO events (system_id, id, type, packet_id, data) VALUES ($1, gen_random_uuid(), 'packet.purged', gen_random_uuid(), '{}')`,
        [source.systemId],
      );
      expect(await drift()).toEqual({ ...even, packets: 1, audit: 1 });
      await eventually(
        async () =>
          /lienthong_conservation_drift\{equation="packets"\} 1$/m.test(
            await (await fetch(`${platform.baseUrl}/metrics`)).text(),
          ),
        { within: 75_000 },
      );
    },
  );
});
