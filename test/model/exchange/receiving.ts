import { randomUUID } from 'node:crypto';
import type { ConfirmRequest } from '@lienthong/contracts';
import fc from 'fast-check';
import { digest, download, fetchAll } from '../../support/exchange';
import {
  type Confirmation,
  type Expected,
  type ExpectedDelivery,
  type ExpectedPacket,
  isLive,
  newest,
  settle,
} from './expected';
import { isPurged } from './sending';
import { REJECTION_ATTEMPTS } from './site';
import { type Command, command, deliveryOf, pick, refusalOf, scheduled } from './world';

/** Every newest delivery of what has been sent, and its packet. */
const planned = ({ packets }: Expected): { packet: ExpectedPacket; delivery: ExpectedDelivery }[] =>
  packets
    .filter(({ state }) => state === 'sent' || state === 'completed')
    .flatMap((packet) => newest(packet).map((delivery) => ({ packet, delivery })));
const isAny = (expected: Expected): boolean => planned(expected).length > 0;
/** Mostly what was begun last, so that one step comes upon the other. */
const n = fc.nat(3);

const list = fc.constantFrom(0, 1).map((destination) =>
  command(`destination ${destination} lists what waits`, isAny, async ({ packets }, world) => {
    for (const packet of packets) if (packet.state === 'sent') await scheduled(world, packet);
    const { items } = await world.destinations[destination].client.deliveries.page({ limit: 500 });
    for (const packet of packets) {
      const item = items.find(({ packetId }) => packetId === packet.packetId);
      const delivery = newest(packet).find((one) => one.destination === destination && isLive(one));
      if (item && delivery?.state === 'pending') delivery.state = 'notified';
      if (item) expect([delivery?.state, delivery?.attempt]).toEqual([item.state, item.attempt]);
      // What comes again does so in its time.
      else expect(delivery && !delivery.isRetried ? delivery : undefined).toBeUndefined();
    }
  }),
);

const ready = n.map((index) =>
  command(`ready (${index})`, isAny, async (expected, world) => {
    const { packet, delivery } = pick(planned(expected), index);
    await scheduled(world, packet);
    const id = await deliveryOf(world, packet, delivery.destination);
    const fetched = fetchAll(world.destinations[delivery.destination], id);
    if (!isLive(delivery)) return expect(await refusalOf(fetched)).toBe('wrong_state');
    const all = await fetched;
    expect(all.map(({ status, bytes }) => [status, digest(bytes)])).toEqual([[200, digest(packet.file.bytes)]]);
    packet.addresses.push(...all.map((one) => ({ of: packet.uploadedIn, download: one })));
    Object.assign(delivery, { state: 'ready', isRetried: false });
  }),
);

/** An address that was given out serves what was accepted, or nothing (S8); nothing at all once that was deleted (S7). */
const fetchOld = fc.tuple(n, n).map(([index, which]) =>
  command(
    `fetch by an old address (${index}, ${which})`,
    (expected) => addressed(expected).length > 0,
    async (expected, world) => {
      const packet = pick(addressed(expected), index);
      const { of, download: address } = pick(packet.addresses, which);
      const isGone = of < packet.uploadedIn || (await isPurged(world, packet));
      const { status, bytes } = await download(address);
      if (status === 200) expect([isGone, digest(bytes)]).toEqual([false, digest(packet.file.bytes)]);
      else expect(status).toBeGreaterThanOrEqual(400);
    },
  ),
);
const addressed = ({ packets }: Expected) => packets.filter(({ addresses }) => addresses.length > 0);

function requestOf(how: Confirmation | 'other bytes', { file, request }: ExpectedPacket): ConfirmRequest {
  const { name } = request.parts[0];
  const parts = [{ name, sha256: digest(how === 'other bytes' ? 'khác' : file.bytes) }];
  if (how === 'accept' || how === 'other bytes') return { outcome: 'accepted', parts };
  return { outcome: 'rejected', parts: [], reasonCode: 'other', retryable: how === 'retry' };
}

const confirm = fc
  .tuple(
    n,
    fc.constantFrom('accept' as const, 'accept' as const, 'reject' as const, 'retry' as const, 'other bytes' as const),
  )
  .map(([index, how]) =>
    command(`confirm: ${how} (${index})`, isAny, async (expected, world) => {
      const { packet, delivery } = pick(planned(expected), index);
      await scheduled(world, packet);
      const id = await deliveryOf(world, packet, delivery.destination);
      const request = requestOf(how, packet);
      const { deliveries } = world.destinations[delivery.destination].client;
      const said = () => deliveries.confirm(id, request);
      const { state, confirmed } = delivery;
      if (state !== 'ready' && confirmed && confirmed.how === how) {
        expect(await said()).toEqual({ ...confirmed.answer, state: (await said()).state });
        return;
      }
      if (state === 'pending' || state === 'notified') return expect(await refusalOf(said())).toBe('not_ready');
      if (state !== 'ready') return expect(await refusalOf(said())).toBe('wrong_state');
      if (how === 'other bytes') return expect(await refusalOf(said())).toBe('confirmation_mismatch');
      const answer = await said();
      const isRetried = how === 'retry' && delivery.attempt < REJECTION_ATTEMPTS;
      const outcome = how === 'accept' ? 'accepted' : isRetried ? 'pending' : 'rejected';
      expect(answer).toMatchObject({ deliveryId: id, state: outcome });
      Object.assign(delivery, { state: outcome, isRetried, confirmed: { how, answer } });
      if (isRetried) delivery.attempt += 1;
      // Twice is once (S10), unless it was so short a while ago that it comes again only later.
      else expect(await said()).toEqual(answer);
      settle(packet);
    }),
  );

const status = n.map((index) =>
  command(`business status (${index})`, isAny, async (expected, world) => {
    const { packet, delivery } = pick(planned(expected), index);
    await scheduled(world, packet);
    await deliveryOf(world, packet, delivery.destination);
    const { packets } = world.destinations[delivery.destination].client;
    const reported = packets.reportStatus(packet.packetId, { code: '06' });
    if (delivery.state !== 'accepted') return expect(await refusalOf(reported)).toBe('wrong_state');
    await reported;
    delivery.statuses += 1;
  }),
);

/** What of an answer could tell a foreign packet from one that is not there (S11). */
async function seenOf(call: Promise<unknown>): Promise<object> {
  const error: { code?: string; status?: number; problem?: object } = await call.then(
    () => ({ code: 'it was done' }),
    (refused: object) => refused,
  );
  const { instance: _, requestId: __, ...problem } = (error.problem ?? {}) as Record<string, unknown>;
  return { code: error.code, status: error.status, problem };
}

const foreign = n.map((index) =>
  command(`strangers (${index})`, isAny, async (expected, world) => {
    const { packet, delivery } = pick(planned(expected), index);
    await scheduled(world, packet);
    const id = await deliveryOf(world, packet, delivery.destination);
    const other = world.destinations[1 - delivery.destination];
    for (const { client } of [world.stranger, world.source, other]) {
      const asked = (of: string) => client.deliveries.confirm(of, requestOf('accept', packet));
      expect(await seenOf(asked(id))).toEqual(await seenOf(asked(randomUUID())));
      expect(await refusalOf(client.deliveries.ready(id))).toBe('not_found');
    }
    const { packets } = world.stranger.client;
    expect(await seenOf(packets.get(packet.packetId))).toEqual(await seenOf(packets.get(randomUUID())));
    expect(await refusalOf(packets.recall(packet.packetId, 'không phải của mình'))).toBe('not_found');
  }),
);

export const RECEIVING: fc.Arbitrary<Command>[] = [
  list,
  list,
  ready,
  ready,
  ready,
  fetchOld,
  confirm,
  confirm,
  confirm,
  status,
  foreign,
];
