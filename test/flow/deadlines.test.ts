import type { StreamEvent } from '@lienthong/contracts';
import { eventually } from '../support/eventually';
import { accept, deliveryId, eventOf, eventsOf, packetIn, receiveOne, sendInline, waiting } from '../support/exchange';
import { type Party, type Platform, startStandalone } from '../support/platform';

jest.setTimeout(120_000);

const soon = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
const DAY = 86_400;

describe('The time to a deadline', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startStandalone({ DEADLINE_WATCH_SECONDS: '1' });
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  const warnings = async (party: Party, packetId: string): Promise<StreamEvent[]> =>
    (await eventsOf(party)).filter(({ type, subject }) => type === 'packet.expiring' && subject === packetId);
  /** As if half a day of it had passed. */
  const passed = (packetId: string, interval: string) =>
    platform.sql(
      `UPDATE deliveries SET created_at = created_at - $2::interval, deliver_by = deliver_by - $2::interval, warn_at = warn_at - $2::interval
       WHERE packet_id = $1`,
      [packetId, interval],
    );

  describe('warn-of-deadlines', () => {
    it('warns both sides at each point of the policy, once per point, also after a restart', async () => {
      const { packetId } = await sendInline(source, destination, {
        policy: { deliverBy: soon(10 * DAY), warnAt: [0.8, 0.5] },
      });
      const delivery = await deliveryId(source, packetId, destination);
      await passed(packetId, '6 days');
      const atHalf = await eventOf(source, packetId, 'packet.expiring');
      expect(atHalf).toMatchObject({
        data: { warnAt: 0.5, deliveries: [{ deliveryId: delivery, state: 'pending' }], canDo: ['extend'] },
      });
      expect(await eventOf(destination, packetId, 'packet.expiring')).toMatchObject({
        data: { deliveryId: delivery, warnAt: 0.5, title: 'V/v thử nghiệm', deliverBy: expect.any(String) },
      });
      await platform.restart();
      await passed(packetId, '3 days');
      await eventually(async () => (await warnings(source, packetId)).length === 2);
      await platform.kill9();
      await platform.start();
      await accept(destination, delivery);
      await packetIn(source, packetId, 'completed');
      for (const party of [source, destination])
        expect((await warnings(party, packetId)).map(({ data }) => data.warnAt)).toEqual([0.5, 0.8]);
      const { timeline } = await source.client.packets.get(packetId);
      const told = timeline.filter(({ event }) => event === 'packet.expiring');
      expect(told.map(({ sentence }) => sentence.vi)).toEqual([
        expect.stringContaining('đã qua 50% thời gian'),
        expect.stringContaining('đã qua 80% thời gian'),
      ]);
    });

    it('makes one warning of points that passed together, and none of a packet that has none or was answered', async () => {
      const [late, none, answered] = [
        await sendInline(source, destination, { policy: { deliverBy: soon(10 * DAY), warnAt: [0.1, 0.2, 0.3] } }),
        await sendInline(source, destination, { policy: { deliverBy: soon(10 * DAY), warnAt: [] } }),
        await sendInline(source, destination, { policy: { deliverBy: soon(10 * DAY), warnAt: [0.1] } }),
      ];
      await receiveOne(destination, answered.packetId);
      for (const { packetId } of [none, answered, late]) {
        await packetIn(source, packetId, packetId === answered.packetId ? 'completed' : 'scheduled');
        await passed(packetId, '5 days');
      }
      await eventOf(destination, late.packetId, 'packet.expiring');
      expect((await warnings(source, late.packetId)).map(({ data }) => data.warnAt)).toEqual([0.3]);
      for (const { packetId } of [none, answered]) expect(await warnings(source, packetId)).toEqual([]);
    });
  });

  describe('extend-packet', () => {
    it('gives more time: the destination is told, the warnings move, and the delivery is not given up', async () => {
      const { packetId } = await sendInline(source, destination, { policy: { deliverBy: soon(8), warnAt: [0.5] } });
      await waiting(destination, packetId);
      const deliverBy = soon(10 * DAY);
      const delivery = await deliveryId(source, packetId, destination);
      expect(await source.client.packets.extend(packetId, deliverBy)).toEqual({
        packetId,
        deliverBy,
        deliveries: [{ deliveryId: delivery, systemId: destination.systemId }],
      });
      expect(await source.client.packets.extend(packetId, deliverBy)).toMatchObject({ deliverBy });
      const view = await source.client.packets.get(packetId);
      expect(view).toMatchObject({ policy: { deliverBy }, policySources: { deliverBy: 'extension' } });
      expect(view.timeline.filter(({ event }) => event === 'packet.extended')).toHaveLength(1);
      expect(await eventOf(destination, packetId, 'packet.extended')).toMatchObject({ data: { deliverBy } });
      expect(await waiting(destination, packetId)).toMatchObject({ deliverBy });
      const [{ next }] = await platform.sql<{ next: Date }>('SELECT warn_at AS next FROM deliveries WHERE id = $1', [
        delivery,
      ]);
      expect(next.getTime()).toBeGreaterThan(Date.now() + 4 * DAY * 1000);
      await passed(packetId, '6 days');
      await eventually(async () => (await warnings(destination, packetId)).length > 0);
      await receiveOne(destination, packetId);
    });

    it('is refused for an earlier deadline, one beyond the bound, what is open, and what has ended', async () => {
      const { packetId } = await sendInline(source, destination, { policy: { deliverBy: soon(5 * DAY) } });
      await packetIn(source, packetId, 'scheduled');
      const refused = (code: string) => ({ problem: { errors: [{ pointer: '/deliverBy', code }] } });
      await expect(source.client.packets.extend(packetId, soon(DAY))).rejects.toMatchObject(refused('not_later'));
      await expect(source.client.packets.extend(packetId, soon(31 * DAY))).rejects.toMatchObject(refused('too_far'));
      await expect(destination.client.packets.extend(packetId, soon(9 * DAY))).rejects.toMatchObject({ status: 404 });
      await receiveOne(destination, packetId);
      await packetIn(source, packetId, 'completed');
      await expect(source.client.packets.extend(packetId, soon(9 * DAY))).rejects.toMatchObject({
        code: 'wrong_state',
        problem: { state: 'completed' },
      });
    });

    it('and the end of the time at the same moment: one of them wins, and the packet says which', async () => {
      for (let n = 0; n < 5; n++) {
        const { packetId } = await sendInline(source, destination, { policy: { deliverBy: soon(DAY) } });
        await packetIn(source, packetId, 'scheduled');
        await platform.sql('UPDATE deliveries SET deliver_by = now() WHERE packet_id = $1', [packetId]);
        const extended = await eventually(async () => {
          if (n % 2 === 0)
            return source.client.packets.extend(packetId, soon(2 * DAY)).then(
              () => 'in time',
              () => 'late',
            );
          return (await source.client.packets.get(packetId)).state === 'completed' && 'late';
        });
        const { state, recipients } = await source.client.packets.get(packetId);
        expect([extended, state, recipients[0].state]).toEqual(
          extended === 'late' ? ['late', 'completed', 'undeliverable'] : ['in time', 'scheduled', 'pending'],
        );
      }
    });
  });
});
