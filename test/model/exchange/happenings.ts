import fc from 'fast-check';
import { eventually } from '../../support/eventually';
import { type Expected, type ExpectedPacket, isLive, settle } from './expected';
import { type Command, command, pick, scheduled, type World } from './world';

const sent = ({ packets }: Expected) => packets.filter(({ state }) => state === 'sent');
/** Mostly what was begun last, so that one step comes upon the other. */
const n = fc.nat(3);

/** No test waits for days: the deadline comes to the packet. @param after an interval */
const passes = ({ platform }: World, { packetId }: ExpectedPacket, after: string): Promise<unknown> =>
  platform.sql(
    `UPDATE deliveries SET deliver_by = now() + $2::interval WHERE packet_id = $1 AND state IN ('pending', 'notified', 'ready')`,
    [packetId, after],
  );

async function ends(packet: ExpectedPacket, { platform }: World, within?: number): Promise<void> {
  for (const delivery of packet.deliveries.filter(isLive)) delivery.state = 'undeliverable';
  settle(packet);
  await eventually(
    async () => {
      const [{ state }] = await platform.sql<{ state: string }>('SELECT state FROM packets WHERE id = $1', [
        packet.packetId,
      ]);
      return state === 'completed';
    },
    { within },
  );
}

const deadline = n.map((index) =>
  command(
    `the deadline passes (${index})`,
    (expected) => sent(expected).length > 0,
    async (expected, world) => {
      const packet = pick(sent(expected), index);
      await scheduled(world, packet);
      await passes(world, packet, '0 s');
      await ends(packet, world);
    },
  ),
);

/** The outbox and the queue are emptied: what a broker without its disk leaves behind. */
const tasksLost = fc.constant(
  command(
    'all tasks are lost',
    (expected) => sent(expected).length > 0,
    async (_expected, { platform, site }) => {
      await platform.sql(`DELETE FROM outbox`);
      await site.loseTasks();
    },
  ),
);

/** Tasks of every kind for a packet that may need none of them: a duplicate, a late one, or a forged one (S18). */
const tasksForged = n.map((index) =>
  command(
    `a task of every kind, twice (${index})`,
    ({ packets }) => packets.length > 0,
    async ({ packets }, { platform }) => {
      await platform.sql(
        `INSERT INTO outbox (id, kind, packet_id, priority, attempt, available_at)
         SELECT gen_random_uuid(), kind, $1, 0, 1, now()
         FROM unnest('{analyse-packet,notify-destination,purge-content,check-content}'::text[]) kind, generate_series(1, 2)`,
        [pick(packets, index).packetId],
      );
    },
  ),
);

const kill = n.map((index) =>
  command(
    `kill -9, and start again; a deadline passes meanwhile (${index})`,
    (expected) => sent(expected).length > 0,
    async (expected, world) => {
      if (world.killsLeft === 0) return;
      world.killsLeft -= 1;
      const packet = pick(sent(expected), index);
      await scheduled(world, packet);
      await passes(world, packet, '1 s');
      await world.site.kill();
      // L1: the minute begins with the end of the fault.
      await ends(packet, world, 60_000);
    },
  ),
);

export const HAPPENINGS: fc.Arbitrary<Command>[] = [deadline, tasksLost, tasksForged, kill];
