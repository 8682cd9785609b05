import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Download } from '@lienthong/contracts';
import { eventually } from '../support/eventually';
import {
  accept,
  deliveryId,
  download,
  eventOf,
  fetchAll,
  newFile,
  openSpace,
  packetIn,
  purged,
  put,
  receiveOne,
  sendInline,
  sendPut,
  waiting,
} from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(90_000);

const soon = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

describe('How a packet ends', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  /** The packet's folder of the filesystem driver; undefined on the real stack. */
  const filesOf = (packetId: string): string[] | undefined => {
    if (!platform.standalone) return undefined;
    const root = join(platform.standalone.folder, 'content', 'packets');
    expect(existsSync(root)).toBe(true);
    return existsSync(join(root, packetId))
      ? readdirSync(join(root, packetId), { recursive: true, encoding: 'utf8' })
      : [];
  };
  const mustBeGone = async (downloads: Pick<Download, 'url' | 'headers'>[], packetId: string) => {
    for (const one of downloads) expect([403, 404]).toContain((await download(one)).status);
    if (platform.standalone) expect(filesOf(packetId)).toEqual([]);
  };

  it('purge-content: removes every byte once the last destination has confirmed, and no address brings it back', async () => {
    const file = newFile(50_000);
    const { packetId, uploads } = await sendPut(source, destination, file);
    const { deliveryId: delivery } = await waiting(destination, packetId);
    const downloads = await fetchAll(destination, delivery);
    if (platform.standalone) expect(filesOf(packetId)).not.toEqual([]);
    await accept(destination, delivery);
    await purged(source, packetId);
    await mustBeGone(downloads, packetId);
    if (platform.standalone) {
      expect((await put(uploads[0], file.bytes)).status).toBeGreaterThanOrEqual(400);
      await mustBeGone(downloads, packetId);
    }
    const { receipts } = await source.client.packets.receipts(packetId);
    expect(receipts.at(-1)).toMatchObject({ event: 'packet.purged' });
  });

  it('keeps the content for keepAfterConfirmSeconds, then purges it', async () => {
    const { packetId } = await sendPut(source, destination, newFile(), { policy: { keepAfterConfirmSeconds: 4 } });
    const { deliveryId: delivery } = await waiting(destination, packetId);
    const downloads = await fetchAll(destination, delivery);
    await accept(destination, delivery);
    const { finishedAt, purgedAt } = await packetIn(source, packetId, 'completed');
    expect(purgedAt).toBeNull();
    expect((await download(downloads[0])).status).toBe(200);
    const gone = await purged(source, packetId);
    expect(Date.parse(gone.purgedAt ?? '') - Date.parse(finishedAt ?? '')).toBeGreaterThanOrEqual(3900);
    await mustBeGone(downloads, packetId);
  });

  it('watch-deadlines: what is not confirmed by deliverBy is undeliverable; the source learns why and has a receipt', async () => {
    const [never, told, fetched] = [await platform.makeParty(), await platform.makeParty(), await platform.makeParty()];
    const { packetId } = await sendInline(source, [never, told, fetched], { policy: { deliverBy: soon(4) } });
    await waiting(told, packetId);
    await fetched.client.deliveries.ready(await deliveryId(source, packetId, fetched));
    const packet = await packetIn(source, packetId, 'completed', { within: 30_000 });
    const why = new Map(
      packet.recipients.map(({ systemId, state, reasonCode }) => [systemId, `${state}: ${reasonCode}`]),
    );
    expect([never, told, fetched].map(({ systemId }) => why.get(systemId))).toEqual([
      'undeliverable: never_online',
      'undeliverable: online_not_fetched',
      'undeliverable: fetched_not_confirmed',
    ]);
    expect(await eventOf(source, packetId, 'delivery.undeliverable')).toMatchObject({
      data: { canDo: expect.any(Array), receipt: expect.any(String) },
    });
    const { receipts } = await source.client.packets.receipts(packetId);
    expect(receipts.filter(({ event }) => event === 'delivery.undeliverable')).toHaveLength(3);
    await expect(fetched.client.deliveries.ready(packet.recipients[2].deliveryId)).rejects.toMatchObject({
      status: 409,
    });
    await purged(source, packetId);
  });

  it('relay-outbox: nothing is told before deliverAfter, and it is told then', async () => {
    const deliverAfter = soon(4);
    const { packetId } = await sendInline(source, destination, { policy: { deliverAfter } });
    const { recipients } = await packetIn(source, packetId, 'scheduled');
    const hidden = { status: 404, code: 'not_found' };
    await expect(destination.client.deliveries.ready(recipients[0].deliveryId)).rejects.toMatchObject(hidden);
    const before = (await destination.client.deliveries.page({ limit: 500 })).items;
    expect(before.filter((item) => item.packetId === packetId)).toEqual([]);
    const event = await eventOf(destination, packetId, 'packet.available');
    expect(Date.parse(event.time)).toBeGreaterThanOrEqual(Date.parse(deliverAfter));
    await receiveOne(destination, packetId);
  });

  describe('recall-packet', () => {
    it('takes back a packet whose space is still open, and empties the space', async () => {
      const file = newFile();
      const { packetId, uploads } = await openSpace(source, destination, file);
      await put(uploads[0], file.bytes);
      expect(await source.client.packets.recall(packetId, 'Gửi nhầm')).toMatchObject({
        state: 'recalled',
        deliveries: [],
      });
      await purged(source, packetId);
      await mustBeGone([], packetId);
      await expect(source.client.packets.complete(packetId)).rejects.toMatchObject({
        status: 409,
        code: 'wrong_state',
      });
    });

    it('takes back what nobody has accepted, tells who had been told, and removes the content', async () => {
      const { packetId } = await sendPut(source, destination);
      const { deliveryId: delivery } = await waiting(destination, packetId);
      const downloads = await fetchAll(destination, delivery);
      expect(await source.client.packets.recall(packetId, 'Gửi nhầm')).toEqual({
        packetId,
        state: 'recalled',
        deliveries: [
          {
            deliveryId: delivery,
            systemId: destination.systemId,
            outcome: 'recalled',
            fetchedAt: expect.any(String),
          },
        ],
      });
      expect(await eventOf(destination, packetId, 'packet.recalled')).toMatchObject({ data: { reason: 'Gửi nhầm' } });
      await expect(accept(destination, delivery)).rejects.toMatchObject({ status: 409, code: 'wrong_state' });
      await purged(source, packetId);
      await mustBeGone(downloads, packetId);
      const { receipts } = await source.client.packets.receipts(packetId);
      expect(receipts.map(({ event }) => event)).toContain('packet.recalled');
    });

    it('says which deliveries were taken back and which had accepted and were asked', async () => {
      const other = await platform.makeParty();
      const { packetId } = await sendPut(source, [destination, other]);
      await receiveOne(destination, packetId);
      await waiting(other, packetId);
      const { state, deliveries } = await source.client.packets.recall(packetId, 'Thu hồi');
      expect(state).toBe('recalled');
      expect(new Map(deliveries.map(({ systemId, outcome }) => [systemId, outcome]))).toEqual(
        new Map([
          [destination.systemId, 'recallRequested'],
          [other.systemId, 'recalled'],
        ]),
      );
      await eventOf(destination, packetId, 'packet.recallRequested');
      await eventOf(other, packetId, 'packet.recalled');
    });

    it('asks everyone, and changes nothing, when the packet was completed before', async () => {
      const { packetId } = await sendInline(source, destination);
      await receiveOne(destination, packetId);
      expect(await source.client.packets.recall(packetId, 'Muộn rồi')).toMatchObject({
        state: 'completed',
        deliveries: [{ outcome: 'recallRequested' }],
      });
      await eventOf(destination, packetId, 'packet.recallRequested');
    });

    it('says the same when it is said again', async () => {
      const { packetId } = await sendInline(source, destination);
      await packetIn(source, packetId, 'scheduled');
      const first = await source.client.packets.recall(packetId, 'Một');
      expect(await source.client.packets.recall(packetId, 'Hai')).toEqual(first);
      const { receipts } = await source.client.packets.receipts(packetId);
      expect(receipts.filter(({ event }) => event === 'packet.recalled')).toHaveLength(1);
    });

    it('and a confirmation at the same time: one of them wins, and both are told the same', async () => {
      const { packetId } = await sendInline(source, destination);
      const { deliveryId: delivery } = await waiting(destination, packetId);
      const [fetched] = await fetchAll(destination, delivery);
      const parts = [{ name: fetched.part, sha256: fetched.sha256 }];
      const [confirmed, recalled] = await Promise.allSettled([
        destination.client.deliveries.confirm(delivery, { outcome: 'accepted', parts }),
        source.client.packets.recall(packetId, 'Cùng lúc'),
      ]);
      expect(recalled.status).toBe('fulfilled');
      const { state } = (await source.client.packets.get(packetId)).recipients[0];
      expect(state).toBe(confirmed.status === 'fulfilled' ? 'accepted' : 'recalled');
      await eventually(async () => (await source.client.packets.get(packetId)).purgedAt !== null);
    });
  });
});
