import { eventually } from '../support/eventually';
import { accept, deliveryId, packetIn, purged, sendInline } from '../support/exchange';
import { onRealStack, type Party, type Platform, stackControl, startPlatform } from '../support/platform';
import { itWhen } from '../support/when';

jest.setTimeout(240_000);
const RECOVERED = { within: 120_000, every: 250 };
/** Longer than a confirm may take: who was publishing when the alarm came has given up its channel. */
const ALARM_MS = 15_000;

/** RabbitMQ's disk is nearly full, by its own reckoning: it answers, keeps what it has, and reads nothing from who publishes. */
describe('A broker in alarm', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  itWhen(onRealStack, 'RabbitMQ runs on the real stack only')(
    'holds up what is new and nothing else: packets are taken and kept, what was announced is confirmed, the scheduler says that it is not ready; then all is delivered',
    async () => {
      const before = await sendInline(source, destination);
      const delivery = await eventually(() => deliveryId(source, before.packetId, destination), RECOVERED);
      await stackControl('alarm-broker');
      const over = Date.now() + ALARM_MS;
      try {
        const taken = await Promise.all(Array.from({ length: 10 }, () => sendInline(source, destination)));
        await accept(destination, delivery);
        await packetIn(source, before.packetId, 'completed');
        await eventually(async () => (await stackControl<number[]>('readiness', 'scheduler')).includes(503), RECOVERED);
        expect(await stackControl('readiness', 'connector')).toEqual([200, 200]);
        const [{ waiting }] = await platform.sql<{ waiting: number }>(
          `SELECT count(*)::int AS waiting FROM outbox WHERE packet_id = ANY($1)`,
          [taken.map(({ packetId }) => packetId)],
        );
        expect(waiting).toBe(taken.length);
        await eventually(async () => Date.now() > over);
        await stackControl('calm-broker');
        const calmedAt = Date.now();
        for (const { packetId } of taken) {
          const id = await eventually(() => deliveryId(source, packetId, destination), RECOVERED);
          await accept(destination, id);
          await packetIn(source, packetId, 'completed', RECOVERED);
        }
        await purged(source, before.packetId, RECOVERED);
        await eventually(
          async () => (await stackControl<number[]>('readiness', 'scheduler')).every((status) => status === 200),
          RECOVERED,
        );
        console.info(
          `broker in alarm for ${ALARM_MS / 1000} s: ${taken.length} packets taken and kept, delivered and ready again ${Date.now() - calmedAt} ms after it`,
        );
      } finally {
        await stackControl('calm-broker');
      }
    },
  );
});
