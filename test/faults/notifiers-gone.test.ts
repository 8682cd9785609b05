import { eventually } from '../support/eventually';
import { accept, eventOf, eventsOf, packetIn, sendInline } from '../support/exchange';
import { onRealStack, type Party, type Platform, stackControl, startPlatform } from '../support/platform';
import { itWhen } from '../support/when';

jest.setTimeout(240_000);

const PACKETS = 30;
const AT_ONCE = 10;
const RECOVERED = { within: 60_000, every: 250 };

/** L7, S19, P20: a notice is a hint. Whoever polls needs none, and nothing is lost with all of them. */
describe('Without any notifier', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  itWhen(onRealStack, 'processes of their own run on the real stack only')(
    `every one of ${PACKETS} packets reaches a destination that polls, and its source learns of each end by polling; notifiers that come back repeat nothing`,
    async () => {
      await stackControl('kill-both', 'notifier');
      const sent: string[] = [];
      const received = new Set<string>();
      const send = async () => {
        while (sent.length < PACKETS) {
          const some = await Promise.all(Array.from({ length: AT_ONCE }, () => sendInline(source, destination)));
          sent.push(...some.map(({ packetId }) => packetId));
        }
      };
      const receive = () =>
        eventually(async () => {
          const { items } = await destination.client.deliveries.page({ limit: 500 });
          for (const { packetId, deliveryId } of items) {
            expect((await accept(destination, deliveryId)).state).toBe('accepted');
            received.add(packetId);
          }
          return received.size === PACKETS;
        }, RECOVERED);
      try {
        await Promise.all([send(), receive()]);
        expect([...received].toSorted()).toEqual(sent.toSorted());
        for (const packetId of sent) await packetIn(source, packetId, 'completed', RECOVERED);
        const events = await eventually(async () => {
          const all = await eventsOf(source);
          return all.filter(({ type }) => type === 'packet.completed').length === PACKETS && all;
        }, RECOVERED);
        expect(events.map(({ offset }) => Number(offset))).toEqual(events.map((_, index) => index + 1));
      } finally {
        await stackControl('start-both', 'notifier');
      }
      // What waited for them is no longer so, and they say nothing of it.
      const { packetId } = await sendInline(source, destination);
      await eventOf(destination, packetId, 'packet.available', RECOVERED);
      const announced = (await eventsOf(destination)).filter(({ type }) => type === 'packet.available');
      expect(announced.map(({ subject }) => subject).toSorted()).toEqual([...sent, packetId].toSorted());
      const ends = (await eventsOf(source)).filter(({ type }) => type === 'delivery.accepted');
      expect(ends.map(({ subject }) => subject).toSorted()).toEqual(sent.toSorted());
      const states = await platform.sql<{ state: string; n: string }>(
        'SELECT state, count(*) AS n FROM deliveries WHERE packet_id = ANY($1) GROUP BY 1',
        [sent],
      );
      expect(states).toEqual([{ state: 'accepted', n: String(PACKETS) }]);
    },
  );
});
