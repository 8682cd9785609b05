import { randomUUID } from 'node:crypto';
import { verifyBundle } from '@lienthong/client';
import type { PacketView, PutUpload, SendRequest } from '@lienthong/contracts';
import { eventually } from '../support/eventually';
import {
  digest,
  eventsOf,
  fetchAll,
  inlinePart,
  newFile,
  packetIn,
  purged,
  put,
  receiveOne,
  sendInline,
  sendPut,
  type TestFile,
  waiting,
} from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(120_000);

const soon = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
const DAY = 86_400;

describe('resend-packet', () => {
  let platform: Platform;
  let source: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    source = await platform.makeParty();
  });
  afterAll(() => platform?.stop());

  const giveUp = (packetId: string, systemId?: string) =>
    platform.sql(
      `UPDATE deliveries SET deliver_by = now() WHERE packet_id = $1 AND ($2::text IS NULL OR system_id = $2)
         AND state IN ('pending', 'notified', 'ready')`,
      [packetId, systemId ?? null],
    );
  const reject = async (destination: Party, packetId: string) => {
    const { deliveryId: delivery } = await waiting(destination, packetId);
    await destination.client.deliveries.ready(delivery);
    await destination.client.deliveries.confirm(delivery, { outcome: 'rejected', parts: [], reasonCode: 'other' });
  };
  const outcomes = ({ recipients }: PacketView) =>
    recipients.map(({ systemId, round, state }) => [systemId, round, state]);
  const uploadAgain = async (packetId: string, uploads: PutUpload[], files: TestFile[]) => {
    for (const [index, { bytes }] of files.entries()) expect((await put(uploads[index], bytes)).status).toBe(200);
    await source.client.packets.complete(packetId);
  };

  it('uploads deleted content into the same packet again; the former round stays as it ended', async () => {
    const destination = await platform.makeParty();
    const file = newFile(20_000);
    const { packetId } = await sendPut(source, destination, file, { policy: { deliverBy: soon(DAY) } });
    await packetIn(source, packetId, 'scheduled');
    await giveUp(packetId);
    const ended = await purged(source, packetId);
    const former = ended.recipients[0].deliveryId;

    const answer = await source.client.packets.resend(packetId);
    expect(answer).toMatchObject({
      packetId,
      state: 'open',
      round: 2,
      recipients: [{ systemId: destination.systemId }],
    });
    const again = await source.client.packets.resend(packetId);
    expect(again).toMatchObject({ state: 'open', round: 2 });
    const { uploads } = again.space!;
    const other = await put(uploads[0] as PutUpload, newFile(20_000).bytes);
    expect(other.status).toBeGreaterThanOrEqual(400);
    await uploadAgain(packetId, uploads as PutUpload[], [file]);

    await receiveOne(destination, packetId);
    const view = await purged(source, packetId);
    expect(view).toMatchObject({
      state: 'completed',
      round: 2,
      rounds: [{ round: 1, state: 'completed', finishedAt: ended.finishedAt, purgedAt: ended.purgedAt }],
      policySources: { deliverBy: 'resend' },
    });
    expect(outcomes(view)).toEqual([
      [destination.systemId, 1, 'undeliverable'],
      [destination.systemId, 2, 'accepted'],
    ]);
    expect(view.recipients[0]).toMatchObject({ deliveryId: former, canDo: [], reasonCode: 'never_online' });
    const bundle = await source.client.packets.receipts(packetId);
    expect(await verifyBundle(bundle, await source.client.jwks())).toMatchObject({ valid: true, problems: [] });
    expect(bundle.receipts.map(({ event }) => event)).toEqual([
      'packet.accepted',
      'delivery.undeliverable',
      'packet.purged',
      'packet.accepted',
      'delivery.ready',
      'delivery.accepted',
      'packet.purged',
    ]);
    expect(view.timeline.map(({ event }) => event)).toContain('packet.resent');
    const seen = await destination.client.packets.get(packetId);
    expect(outcomes(seen)).toEqual([
      [destination.systemId, 1, 'undeliverable'],
      [destination.systemId, 2, 'accepted'],
    ]);
    const { outgoing } = await source.client.sessions.open();
    const [{ n }] = await platform.sql<{ n: string }>('SELECT count(*) AS n FROM packets WHERE source = $1', [
      source.systemId,
    ]);
    expect(Object.values(outgoing).reduce((sum: number, count) => sum + Number(count), 0)).toBe(Number(n));
  });

  it('uses content that is still kept, looks at it again, and delivers it at once', async () => {
    const destination = await platform.makeParty();
    const file = newFile(20_000);
    const { packetId } = await sendPut(source, destination, file, { policy: { keepAfterConfirmSeconds: 3600 } });
    await reject(destination, packetId);
    await packetIn(source, packetId, 'completed');
    const deliverBy = soon(2 * DAY);
    expect(await source.client.packets.resend(packetId, { deliverBy })).toMatchObject({ state: 'received', round: 2 });
    const { deliverBy: until } = await waiting(destination, packetId);
    expect(until).toBe(deliverBy);
    const [fetched] = await fetchAll(destination, (await waiting(destination, packetId)).deliveryId);
    expect(digest(fetched.bytes)).toBe(digest(file.bytes));
    await receiveOne(destination, packetId);
    const view = await packetIn(source, packetId, 'completed');
    expect(outcomes(view)).toEqual([
      [destination.systemId, 1, 'rejected'],
      [destination.systemId, 2, 'accepted'],
    ]);
    expect(view.purgedAt).toBeNull();
  });

  it('adds a delivery while others of the packet still wait, and the packet is completed with the last of all', async () => {
    const [rejecting, slow] = [await platform.makeParty(), await platform.makeParty()];
    const { packetId } = await sendInline(source, [rejecting, slow]);
    await reject(rejecting, packetId);
    expect(await source.client.packets.resend(packetId, { to: [rejecting.systemId] })).toMatchObject({
      state: 'scheduled',
      round: 2,
    });
    await receiveOne(slow, packetId);
    expect((await source.client.packets.get(packetId)).state).toBe('scheduled');
    await receiveOne(rejecting, packetId);
    const view = await packetIn(source, packetId, 'completed');
    expect(view.recipients.map(({ state }) => state).toSorted()).toEqual(['accepted', 'accepted', 'rejected']);
    const completed = (await eventsOf(source)).filter(
      ({ type, subject }) => type === 'packet.completed' && subject === packetId,
    );
    expect(completed).toHaveLength(1);
    const gone = await purged(source, packetId);
    expect(gone.rounds).toEqual([]);
    const told = (await eventsOf(rejecting)).filter(
      ({ type, subject }) => type === 'packet.purged' && subject === packetId,
    );
    expect(told).toHaveLength(1);
  });

  it('begins one round for one Idempotency-Key, also when the same is said after that round is over', async () => {
    const destination = await platform.makeParty();
    const { packetId } = await sendInline(source, destination, { policy: { keepAfterConfirmSeconds: 3600 } });
    const idempotencyKey = randomUUID();
    const resend = (key: string) => source.client.packets.resend(packetId, {}, { idempotencyKey: key });
    await reject(destination, packetId);
    await packetIn(source, packetId, 'completed');
    expect(await resend(idempotencyKey)).toMatchObject({ round: 2, state: 'received' });
    await waiting(destination, packetId);
    await reject(destination, packetId);
    await packetIn(source, packetId, 'completed');
    const again = await Promise.all(Array.from({ length: 4 }, () => resend(idempotencyKey)));
    for (const answer of again)
      expect(answer).toMatchObject({ round: 2, state: 'completed', recipients: [{ systemId: destination.systemId }] });

    const next = randomUUID();
    const [one, other] = await Promise.all([resend(next), resend(next)]);
    expect([one.round, other.round]).toEqual([3, 3]);
    await waiting(destination, packetId);
    await receiveOne(destination, packetId);
    await packetIn(source, packetId, 'completed');
    expect(await resend(idempotencyKey)).toMatchObject({ round: 3, state: 'completed' });
    await expect(resend('two words')).rejects.toMatchObject({ code: 'validation_failed' });
  });

  it('asked twice for one of those who rejected it, begins one round, to that one', async () => {
    const [chosen, other] = [await platform.makeParty(), await platform.makeParty()];
    const { packetId } = await sendInline(source, [chosen, other], { policy: { keepAfterConfirmSeconds: 3600 } });
    await reject(chosen, packetId);
    await reject(other, packetId);
    await packetIn(source, packetId, 'completed');
    const request = { to: [chosen.systemId] };
    expect(await source.client.packets.resend(packetId, request)).toMatchObject({ round: 2 });
    await waiting(chosen, packetId);
    expect(await source.client.packets.resend(packetId, request)).toMatchObject({
      state: 'scheduled',
      round: 2,
      recipients: [{ systemId: chosen.systemId, allowed: true }],
    });
    await receiveOne(chosen, packetId);
    expect(outcomes(await packetIn(source, packetId, 'completed'))).toEqual([
      [chosen.systemId, 1, 'rejected'],
      [other.systemId, 1, 'rejected'],
      [chosen.systemId, 2, 'accepted'],
    ]);
  });

  it('goes to where the address leads now, and checks the right to send anew', async () => {
    const destination = await platform.makeParty();
    const { packetId } = await sendInline(source, destination);
    await packetIn(source, packetId, 'scheduled');
    await giveUp(packetId);
    await purged(source, packetId);
    await platform.admin.admin.systems.change(destination.systemId, { suspended: true });
    await expect(source.client.packets.resend(packetId)).rejects.toMatchObject({
      code: 'recipients_refused',
      problem: { recipients: [{ reason: 'system_suspended' }] },
    });
    expect(await source.client.packets.get(packetId)).toMatchObject({ state: 'completed', round: 1 });
  });

  it('answers the first request, made again in a later round, with the space of that round, inline content or not', async () => {
    const destination = await platform.makeParty();
    const file = newFile(900);
    const request: SendRequest = {
      to: [destination.systemId],
      title: 'V/v gửi lại',
      dataType: 'file',
      protocol: 'inline',
      parts: [inlinePart(file)],
    };
    const options = { idempotencyKey: randomUUID() };
    const { packetId } = await source.client.packets.send(request, options);
    await packetIn(source, packetId, 'scheduled');
    await giveUp(packetId);
    await purged(source, packetId);
    await source.client.packets.resend(packetId);
    const { space, ...answer } = await source.client.packets.send(request, options);
    expect(answer).toMatchObject({ packetId, state: 'open' });
    await uploadAgain(packetId, space!.uploads as PutUpload[], [file]);
    await receiveOne(destination, packetId);
    expect(await purged(source, packetId)).toMatchObject({ state: 'completed', round: 2 });
  });

  it('is for what was not delivered only', async () => {
    const destination = await platform.makeParty();
    const { packetId } = await sendInline(source, destination);
    await expect(source.client.packets.resend(packetId)).rejects.toMatchObject({ code: 'wrong_state' });
    await receiveOne(destination, packetId);
    await packetIn(source, packetId, 'completed');
    await expect(source.client.packets.resend(packetId)).rejects.toMatchObject({ code: 'wrong_state' });
    await expect(source.client.packets.resend(packetId, { to: [destination.systemId] })).rejects.toMatchObject({
      problem: { errors: [{ pointer: '/to/0', code: 'not_undelivered' }] },
    });
    const recalled = await sendInline(source, destination);
    await packetIn(source, recalled.packetId, 'scheduled');
    await source.client.packets.recall(recalled.packetId, 'nhầm');
    await expect(source.client.packets.resend(recalled.packetId)).rejects.toMatchObject({ code: 'wrong_state' });
    await expect(destination.client.packets.resend(packetId)).rejects.toMatchObject({ status: 404 });
  });

  it('can be asked for many times at once and begins one round, again and again if need be', async () => {
    const destination = await platform.makeParty();
    const file = newFile(5000);
    const { packetId } = await sendPut(source, destination, file);
    for (let round = 2; round <= 3; round++) {
      await packetIn(source, packetId, 'scheduled');
      await giveUp(packetId);
      await eventually(async () => {
        const { state, purgedAt } = await source.client.packets.get(packetId);
        return state === 'completed' && purgedAt !== null;
      });
      const answers = await Promise.all(Array.from({ length: 4 }, () => source.client.packets.resend(packetId)));
      expect(answers.map((answer) => answer.round)).toEqual(Array(4).fill(round));
      const sent = await source.client.resendFiles(packetId, {}, [{ name: file.name, buffer: file.bytes }]);
      expect(sent).toMatchObject({ round });
    }
    await receiveOne(destination, packetId);
    const view = await purged(source, packetId);
    expect(view.rounds.map(({ round, state }) => [round, state])).toEqual([
      [1, 'completed'],
      [2, 'completed'],
    ]);
    expect(outcomes(view).map(([, round, state]) => [round, state])).toEqual([
      [1, 'undeliverable'],
      [2, 'undeliverable'],
      [3, 'accepted'],
    ]);
  });

  it('close-unused-spaces: a round whose content is not uploaded again ends, and another may begin', async () => {
    const destination = await platform.makeParty();
    const { packetId } = await sendInline(source, destination);
    await packetIn(source, packetId, 'scheduled');
    await giveUp(packetId);
    await purged(source, packetId);
    await source.client.packets.resend(packetId);
    await platform.sql(`UPDATE packets SET space_expires_at = now() WHERE id = $1`, [packetId]);
    await packetIn(source, packetId, 'expired', { within: 60_000 });
    await purged(source, packetId);
    expect(await source.client.packets.resend(packetId)).toMatchObject({ state: 'open', round: 3 });
    expect((await source.client.packets.get(packetId)).rounds.map(({ state }) => state)).toEqual([
      'completed',
      'expired',
    ]);
  });
});
