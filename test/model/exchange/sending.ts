import { randomUUID } from 'node:crypto';
import { PRIORITIES, type PutUpload, type SendRequest } from '@lienthong/contracts';
import fc from 'fast-check';
import { eventually } from '../../support/eventually';
import { inlinePart, newFile, partOf, put } from '../../support/exchange';
import { type Expected, type ExpectedPacket, isLive, plan, settle, undelivered } from './expected';
import { type Command, command, hasContent, pick, refusalOf, scheduled, type World } from './world';

const HOUR = 3_600_000;
const any = ({ packets }: Expected): boolean => packets.length > 0;
/** Mostly what was begun last, so that one step comes upon the other. */
const n = fc.nat(3);

export const send = fc
  .record({
    to: fc.constantFrom<number[][]>([0], [1], [0, 1], [0, 1]),
    protocol: fc.constantFrom('inline' as const, 'put' as const),
    keeps: fc.boolean(),
    priority: fc.constantFrom(...PRIORITIES),
  })
  .map(({ to, protocol, keeps, priority }) =>
    command(
      `send ${protocol} ${priority} to ${to}${keeps ? ', kept' : ''}`,
      () => true,
      async ({ packets }, { source, destinations }) => {
        const file = newFile(400);
        const request: SendRequest = {
          to: to.map((index) => destinations[index].systemId),
          title: 'V/v mô hình',
          dataType: 'file',
          protocol,
          priority,
          parts: [protocol === 'inline' ? inlinePart(file) : partOf(file)],
          ...(keeps ? { policy: { keepAfterConfirmSeconds: 3600 } } : {}),
        };
        const key = randomUUID();
        const { packetId, state } = await source.client.packets.send(request, { idempotencyKey: key });
        expect(state).toBe(protocol === 'inline' ? 'received' : 'open');
        const packet: ExpectedPacket = {
          packetId,
          key,
          request,
          file,
          to,
          keeps,
          round: 1,
          uploadedIn: 1,
          addresses: [],
          state: protocol === 'inline' ? 'sent' : 'open',
          isUploaded: false,
          deliveries: [],
        };
        if (packet.state === 'sent') plan(packet, to);
        packets.push(packet);
      },
    ),
  );

const sendAgain = n.map((index) =>
  command(`send again, same key (${index})`, any, async ({ packets }, { source }) => {
    const { key, request, packetId, state } = pick(packets, index);
    const answer = await source.client.packets.send(request, { idempotencyKey: key });
    expect(answer.packetId).toBe(packetId);
    if (state === 'open')
      expect(answer).toMatchObject({ state, space: { uploads: [{ part: request.parts[0].name }] } });
    else expect(answer).not.toHaveProperty('space');
    const other = source.client.packets.send({ ...request, title: 'V/v khác' }, { idempotencyKey: key });
    expect(await refusalOf(other)).toBe('idempotency_key_reused');
  }),
);

const openOnes = ({ packets }: Expected) => packets.filter(({ state }) => state === 'open');

const upload = fc.tuple(n, fc.constantFrom('whole', 'whole', 'short', 'wrong')).map(([index, how]) =>
  command(
    `upload ${how} (${index})`,
    (expected) => openOnes(expected).length > 0,
    async (expected, { source }) => {
      const packet = pick(openOnes(expected), index);
      const { bytes } = packet.file;
      const { uploads } = await source.client.packets.renewSpace(packet.packetId);
      const sent = { whole: bytes, short: bytes.subarray(1), wrong: newFile(bytes.length).bytes }[how]!;
      const { status } = await put(uploads[0] as PutUpload, sent);
      if (how === 'whole') {
        expect(status).toBe(200);
        packet.isUploaded = true;
      } else expect(status).toBeGreaterThanOrEqual(400);
    },
  ),
);

const complete = n.map((index) =>
  command(`complete (${index})`, any, async ({ packets }, { source }) => {
    const packet = pick(packets, index);
    const { packetId, state } = packet;
    const done = source.client.packets.complete(packetId);
    if (state === 'recalled') expect(await refusalOf(done)).toBe('wrong_state');
    else if (state === 'open' && !packet.isUploaded) expect(await refusalOf(done)).toBe('content_incomplete');
    else {
      expect(['received', 'scheduled', 'completed']).toContain((await done).state);
      if (state !== 'open') return;
      packet.state = 'sent';
      const failed = undelivered(packet).map(({ destination }) => destination);
      plan(packet, packet.round === 1 ? packet.to : failed);
    }
  }),
);

const recall = n.map((index) =>
  command(`recall (${index})`, any, async ({ packets }, { source }) => {
    const packet = pick(packets, index);
    const answer = await source.client.packets.recall(packet.packetId, 'gửi nhầm');
    if (packet.state !== 'completed') packet.state = 'recalled';
    expect(answer.state).toBe(packet.state);
    for (const delivery of packet.deliveries.filter(isLive)) delivery.state = 'recalled';
  }),
);

const extend = n.map((index) =>
  command(`extend (${index})`, any, async ({ packets, commands }, { source }) => {
    const packet = pick(packets, index);
    const later = Math.max(Date.now() + 144 * HOUR, Date.parse(packet.extended ?? '1970-01-01') + HOUR);
    const deliverBy = new Date(later + commands).toISOString();
    const done = () => source.client.packets.extend(packet.packetId, deliverBy);
    if (packet.state !== 'sent') return expect(await refusalOf(done())).toBe('wrong_state');
    const answer = await done();
    expect(answer).toMatchObject({ packetId: packet.packetId, deliverBy });
    expect((await done()).deliverBy).toBe(deliverBy);
    packet.extended = deliverBy;
  }),
);

const resend = n.map((index) =>
  command(`resend (${index})`, any, async ({ packets }, world) => {
    const packet = pick(packets, index);
    if (packet.state === 'sent') await scheduled(world, packet);
    // A round on a purge's heels is told to wait for the purge.
    if (packet.state === 'completed' && !packet.keeps) await eventually(() => isPurged(world, packet));
    const failed = undelivered(packet).map(({ destination }) => destination);
    const done = world.source.client.packets.resend(packet.packetId);
    const isUnderWay =
      packet.round > 1 && (packet.state === 'open' || (packet.state === 'sent' && failed.length === 0));
    if (isUnderWay) return expect(await done).toMatchObject({ round: packet.round });
    if (failed.length === 0 || packet.state === 'open' || packet.state === 'recalled')
      return expect(await refusalOf(done)).toBe('wrong_state');
    packet.round += 1;
    expect(await done).toMatchObject({ packetId: packet.packetId, round: packet.round });
    delete packet.extended;
    packet.isUploaded = false;
    packet.state = packet.state === 'completed' && !packet.keeps ? 'open' : 'sent';
    if (packet.state === 'open') packet.uploadedIn = packet.round;
    if (packet.state === 'sent') plan(packet, failed);
  }),
);

export async function isPurged({ platform }: World, { packetId }: ExpectedPacket): Promise<boolean> {
  const [{ purged }] = await platform.sql<{ purged: boolean }>(
    'SELECT purged_at IS NOT NULL AS purged FROM packets WHERE id = $1',
    [packetId],
  );
  return purged;
}

/** Takes back or lets expire what is left, and sees that all of it ends: an outcome each, and no content (L1, L3). */
export async function endAll({ packets }: Expected, world: World): Promise<void> {
  for (const packet of packets) {
    if (packet.state === 'open') {
      await world.source.client.packets.recall(packet.packetId, 'hết mô hình');
      packet.state = 'recalled';
    }
    if (packet.state === 'sent') await scheduled(world, packet);
  }
  const ids = packets.map(({ packetId }) => packetId);
  await world.platform.sql(
    `UPDATE deliveries SET deliver_by = now() WHERE packet_id = ANY($1) AND state IN ('pending', 'notified', 'ready')`,
    [ids],
  );
  for (const packet of packets) {
    for (const delivery of packet.deliveries.filter(isLive)) delivery.state = 'undeliverable';
    settle(packet);
  }
  await eventually(async () => {
    await world.platform.sql(
      `UPDATE packets SET purge_after = now() WHERE id = ANY($1) AND state = 'completed' AND purge_after > now()`,
      [ids],
    );
    for (const packet of packets) if (!(await isPurged(world, packet))) return false;
    return true;
  });
  expect(packets.filter(({ packetId, round }) => hasContent(world, packetId, round))).toEqual([]);
}

export const SENDING: fc.Arbitrary<Command>[] = [
  send,
  send,
  sendAgain,
  upload,
  upload,
  complete,
  complete,
  recall,
  extend,
  resend,
];
