import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeliveryHistory } from '@lienthong/contracts';
import { eventually } from '../support/eventually';
import {
  accept,
  deliveryId,
  eventOf,
  eventsOf,
  fetchAll,
  newFile,
  packetIn,
  purged,
  sendInline,
  sendPut,
  waiting,
} from '../support/exchange';
import { type Party, type Platform, startStandalone } from '../support/platform';
import { RawStream } from '../support/raw-stream';

jest.setTimeout(120_000);

const soon = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
const DAY = 86_400;
const WRONG = 'ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=';

describe('What is not delivered', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startStandalone({
      DEADLINE_WATCH_SECONDS: '1',
      REJECTION_ATTEMPTS: '3',
      REJECTION_RETRY_SECONDS: '1',
      EXPIRY_PER_MINUTE: '8',
    });
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  /** What ended in the last minute is long ago: the bound of a minute is for one test only. */
  const aMinuteLater = () =>
    platform.sql(`UPDATE deliveries SET finished_at = finished_at - interval '5 min' WHERE state = 'undeliverable'`);
  const overdue = (packetId: string) =>
    platform.sql('UPDATE deliveries SET deliver_by = now() WHERE packet_id = $1', [packetId]);
  const reports = async (packetId: string) =>
    (await eventsOf(source)).filter(({ type, subject }) => type === 'delivery.undeliverable' && subject === packetId);
  /** Files of the packet in the store. */
  const filesOf = (packetId: string): string[] => {
    const folder = join(platform.standalone!.folder, 'content', 'packets', packetId);
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  };

  it('watch-deadlines: is reported once per destination, with the reason, what was tried, and what can be done (A45)', async () => {
    const to = await Promise.all(Array.from({ length: 5 }, () => platform.makeParty()));
    const [never, seen, told, fetched, suspended] = to;
    const { packetId } = await sendInline(source, to, { policy: { deliverBy: soon(DAY) } });
    await waiting(told, packetId);
    await fetched.client.deliveries.ready(await deliveryId(source, packetId, fetched));
    const stream = await RawStream.of(platform.baseUrl, seen);
    await stream.event(packetId, 'packet.available');
    stream.close();
    await platform.admin.admin.systems.change(suspended.systemId, { suspended: true });
    await overdue(packetId);
    const packet = await packetIn(source, packetId, 'completed', { within: 30_000 });
    const found = new Map(packet.recipients.map((one) => [one.systemId, one]));
    expect(to.map(({ systemId }) => found.get(systemId)?.reasonCode)).toEqual([
      'never_online',
      'online_not_fetched',
      'online_not_fetched',
      'fetched_not_confirmed',
      'no_route',
    ]);
    for (const one of packet.recipients)
      expect(one).toMatchObject({ state: 'undeliverable', canDo: ['resend', 'other_address'] });
    const ofFetched = found.get(fetched.systemId)?.history as DeliveryHistory;
    expect(ofFetched).toMatchObject({ announcements: { count: 1 }, fetches: { count: 1, last: expect.any(String) } });
    expect(found.get(seen.systemId)?.history).toMatchObject({ connections: { count: 1, first: expect.any(String) } });
    expect(found.get(never.systemId)?.history).toMatchObject({ connections: { count: 0 }, fetches: { count: 0 } });

    await eventually(async () => (await reports(packetId)).length === 5);
    const { packetId: later } = await sendInline(source, destination);
    await eventOf(destination, later, 'packet.available');
    const all = await reports(packetId);
    expect(new Set(all.map(({ data }) => data.deliveryId)).size).toBe(5);
    expect(all).toHaveLength(5);
    expect(all.find(({ data }) => data.systemId === fetched.systemId)?.data).toMatchObject({
      reasonCode: 'fetched_not_confirmed',
      history: ofFetched,
      canDo: ['resend', 'other_address'],
      receipt: expect.any(String),
    });
    const { receipts } = await source.client.packets.receipts(packetId);
    expect(receipts.filter(({ event }) => event === 'delivery.undeliverable')).toHaveLength(5);
    await aMinuteLater();
  });

  it('a confirmation that comes too late is answered with the outcome, and the source sees that it came', async () => {
    const { packetId } = await sendInline(source, destination, { policy: { deliverBy: soon(DAY) } });
    const { deliveryId: delivery } = await waiting(destination, packetId);
    const [part] = await fetchAll(destination, delivery);
    await overdue(packetId);
    await packetIn(source, packetId, 'completed', { within: 30_000 });
    const confirmation = { outcome: 'accepted' as const, parts: [{ name: part.part, sha256: part.sha256 }] };
    for (let n = 0; n < 3; n++)
      await expect(destination.client.deliveries.confirm(delivery, confirmation)).rejects.toMatchObject({
        status: 409,
        problem: { code: 'wrong_state', state: 'undeliverable', reasonCode: 'fetched_not_confirmed' },
      });
    const { recipients, timeline } = await source.client.packets.get(packetId);
    expect(recipients[0]).toMatchObject({ state: 'undeliverable', lateConfirmedAt: expect.any(String) });
    const late = timeline.filter(({ event }) => event === 'delivery.lateConfirmation');
    expect(late).toHaveLength(1);
    expect(late[0]).toMatchObject({
      detail: { outcome: 'accepted', state: 'undeliverable' },
      sentence: { vi: expect.stringContaining('xác nhận muộn') },
    });
    await aMinuteLater();
  });

  it('more at once than is to be expected waits, and the alarm is raised: a clock may be wrong (A55)', async () => {
    const sent = await Promise.all(Array.from({ length: 14 }, () => sendInline(source, destination)));
    for (const { packetId } of sent) await packetIn(source, packetId, 'scheduled');
    await platform.sql('UPDATE deliveries SET deliver_by = now() WHERE packet_id = ANY($1)', [
      sent.map(({ packetId }) => packetId),
    ]);
    const ended = async () =>
      (await Promise.all(sent.map(({ packetId }) => source.client.packets.get(packetId)))).filter(
        ({ state }) => state === 'completed',
      ).length;
    const held = async () =>
      /^lienthong_expiry_held (\d)$/m.exec(await (await fetch(`${platform.baseUrl}/metrics`)).text())?.[1];
    await eventually(async () => (await held()) === '1');
    expect(await ended()).toBe(8);
    await aMinuteLater();
    await eventually(async () => (await ended()) === 14);
    await eventually(async () => (await held()) === '0');
    await aMinuteLater();
  });

  describe('content_lost', () => {
    it.each([
      { when: 'right after the analysis, by asking again', hoursAgo: 0 },
      { when: 'at the first time, later', hoursAgo: 1 },
    ])(
      'ready-to-receive: finds content that is gone from the store $when; the source is told, and nobody waits for it',
      async ({ hoursAgo }) => {
        const other = await platform.makeParty();
        const { packetId } = await sendPut(source, [destination, other], newFile(30_000));
        const { deliveryId: delivery } = await waiting(destination, packetId);
        for (const file of filesOf(packetId)) rmSync(file, { recursive: true });
        if (hoursAgo === 0) {
          const { space } = await destination.client.deliveries.ready(delivery);
          const [{ url, headers }] = space.downloads;
          expect((await fetch(url, { headers })).status).toBe(404);
        } else await platform.sql(`UPDATE packets SET analysed_at = now() - interval '1 h' WHERE id = $1`, [packetId]);
        await expect(destination.client.deliveries.ready(delivery)).rejects.toMatchObject({ code: 'content_lost' });
        const { recipients } = await packetIn(source, packetId, 'completed');
        expect(recipients.map(({ state, reasonCode }) => `${state}: ${reasonCode}`)).toEqual([
          'undeliverable: content_lost',
          'undeliverable: content_lost',
        ]);
        expect(await eventOf(source, packetId, 'delivery.undeliverable')).toMatchObject({
          data: { reasonCode: 'content_lost', lostParts: ['cong-van.pdf'], canDo: ['resend', 'other_address'] },
        });
        await purged(source, packetId);
        await aMinuteLater();
      },
    );

    it('check-content: is found when a destination reports other digests three times, and not where the content is whole', async () => {
      const [altered, whole] = [
        await sendPut(source, destination, newFile(30_000)),
        await sendPut(source, destination, newFile(30_000)),
      ];
      for (const { packetId } of [altered, whole]) await waiting(destination, packetId);
      const [file] = filesOf(altered.packetId);
      writeFileSync(file, newFile(30_000).bytes);
      const wrong = { outcome: 'accepted' as const, parts: [{ name: 'cong-van.pdf', sha256: WRONG }] };
      for (const { packetId } of [whole, altered]) {
        const delivery = await deliveryId(source, packetId, destination);
        await destination.client.deliveries.ready(delivery);
        for (let n = 0; n < 3; n++)
          await expect(destination.client.deliveries.confirm(delivery, wrong)).rejects.toMatchObject({
            problem: { code: 'digest_mismatch' },
          });
      }
      const { recipients, timeline } = await packetIn(source, altered.packetId, 'completed');
      expect(recipients[0]).toMatchObject({ reasonCode: 'content_lost', history: { mismatches: { count: 3 } } });
      expect(timeline.filter(({ event }) => event === 'delivery.mismatched')).toHaveLength(3);
      await accept(destination, await deliveryId(source, whole.packetId, destination));
      await packetIn(source, whole.packetId, 'completed');
      await aMinuteLater();
    });
  });

  describe('confirm-receipt', () => {
    it('a retryable rejection comes again, so many times and no more; then it is final', async () => {
      const { packetId } = await sendInline(source, destination, { policy: { deliverBy: soon(DAY) } });
      const busy = { outcome: 'rejected' as const, parts: [], reasonCode: 'busy' as const, retryable: true };
      const delivery = await deliveryId(source, packetId, destination);
      for (let attempt = 1; attempt <= 3; attempt++) {
        const item = await waiting(destination, packetId);
        expect(item.attempt).toBe(attempt);
        await destination.client.deliveries.ready(delivery);
        const { state } = await destination.client.deliveries.confirm(delivery, busy);
        expect(state).toBe(attempt < 3 ? 'pending' : 'rejected');
      }
      const { recipients } = await packetIn(source, packetId, 'completed');
      expect(recipients[0]).toMatchObject({ state: 'rejected', attempt: 3, canDo: ['resend', 'other_address'] });
      const said = (await eventsOf(source)).filter(
        ({ type, subject }) => type === 'delivery.rejected' && subject === packetId,
      );
      expect(said.map(({ data }) => [data.retryable, data.canDo])).toEqual([
        [true, undefined],
        [true, undefined],
        [false, ['resend', 'other_address']],
      ]);
    });

    it('says rejected where the deadline came before the next attempt was taken', async () => {
      const { packetId } = await sendInline(source, destination, { policy: { deliverBy: soon(DAY) } });
      const { deliveryId: delivery } = await waiting(destination, packetId);
      await destination.client.deliveries.ready(delivery);
      const busy = { outcome: 'rejected' as const, parts: [], reasonCode: 'maintenance' as const, retryable: true };
      await destination.client.deliveries.confirm(delivery, busy);
      await overdue(packetId);
      const { recipients } = await packetIn(source, packetId, 'completed', { within: 30_000 });
      expect(recipients[0]).toMatchObject({
        state: 'undeliverable',
        reasonCode: 'rejected',
        history: { rejections: { count: 1 } },
      });
      await aMinuteLater();
    });

    it('takes reasons of the list only', async () => {
      const { packetId } = await sendInline(source, destination);
      const delivery = await deliveryId(source, packetId, destination);
      await destination.client.deliveries.ready(delivery);
      const body = { outcome: 'rejected', parts: [], reasonCode: 'because' };
      const { status } = await platform.fetch(`/v1/deliveries/${delivery}/confirm`, {
        method: 'POST',
        body,
        key: destination.key,
      });
      expect(status).toBe(400);
    });
  });

  it('recall-packet: the answer and the receipt say who had fetched before, with names and times', async () => {
    const other = await platform.makeParty();
    const { packetId } = await sendInline(source, [destination, other]);
    const delivery = await deliveryId(source, packetId, destination);
    await fetchAll(destination, delivery);
    const { deliveries } = await source.client.packets.recall(packetId, 'Ban hành nhầm');
    expect(new Map(deliveries.map(({ systemId, fetchedAt }) => [systemId, fetchedAt]))).toEqual(
      new Map([
        [destination.systemId, expect.any(String)],
        [other.systemId, undefined],
      ]),
    );
    const { receipts } = await source.client.packets.receipts(packetId);
    const { jws } = receipts.find(({ event }) => event === 'packet.recalled')!;
    const { detail } = JSON.parse(Buffer.from(jws.split('.')[1], 'base64url').toString()) as {
      detail: { deliveries: { systemId: string }[] };
    };
    expect(detail.deliveries.find(({ systemId }) => systemId === destination.systemId)).toMatchObject({
      stateBefore: 'ready',
      fetchedAt: expect.any(String),
      agency: expect.any(String),
      system: expect.any(String),
    });
    expect(detail.deliveries.find(({ systemId }) => systemId === other.systemId)).not.toHaveProperty('fetchedAt');
    await expect(
      destination.client.deliveries.confirm(delivery, { outcome: 'accepted', parts: [] }),
    ).rejects.toMatchObject({ code: 'wrong_state', problem: { state: 'recalled' } });
    const { recipients } = await source.client.packets.get(packetId);
    expect(recipients.find(({ deliveryId: id }) => id === delivery)).toHaveProperty('lateConfirmedAt');
  });
});
