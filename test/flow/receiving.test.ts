import type { ConfirmRequest, Priority } from '@lienthong/contracts';
import { verifyReceipts } from '@lienthong/signing';
import {
  accept,
  deliveryId,
  digest,
  eventOf,
  fetchAll,
  newFile,
  packetIn,
  receiveOne,
  sendInline,
  sendPut,
  waiting,
} from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(60_000);

describe('Receiving', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  const delivered = async (files = [newFile()]) => {
    const { packetId } = await sendPut(source, destination, files);
    const { deliveryId: delivery } = await waiting(destination, packetId);
    const parts = files.map(({ name, bytes }) => ({ name, sha256: digest(bytes) }));
    return { packetId, delivery, parts };
  };
  const confirm = (delivery: string, body: unknown, key = destination.key) =>
    platform.fetch(`/v1/deliveries/${delivery}/confirm`, { method: 'POST', body, key });
  const ready = (delivery: string, key = destination.key) =>
    platform.fetch(`/v1/deliveries/${delivery}/ready`, { method: 'POST', key });

  it('list-deliveries: orders what waits by priority, then age, on every page', async () => {
    const own = await platform.makeParty();
    const priorities: Priority[] = ['normal', 'express', 'urgent', 'normal', 'veryUrgent', 'express'];
    const sent: string[] = [];
    for (const priority of priorities) {
      const { packetId } = await sendInline(source, own, { priority });
      await packetIn(source, packetId, 'scheduled');
      sent.push(packetId);
    }
    const expected = [1, 5, 4, 2, 0, 3].map((index) => sent[index]);
    const listed: string[] = [];
    for await (const { packetId } of own.client.deliveries.list({ limit: 2 })) listed.push(packetId);
    expect(listed).toEqual(expected);
    const whole = await own.client.deliveries.page();
    expect(whole.items.map(({ packetId }) => packetId)).toEqual(expected);
    expect(whole.items.map(({ state }) => state)).toEqual(expected.map(() => 'notified'));
  });

  it('lists exact states on request, finished ones too', async () => {
    const { packetId, delivery } = await delivered();
    const inState = async (state: 'notified' | 'ready' | 'accepted') =>
      (await destination.client.deliveries.page({ state, limit: 500 })).items.some(
        (one) => one.deliveryId === delivery,
      );
    expect([await inState('notified'), await inState('ready')]).toEqual([true, false]);
    await destination.client.deliveries.ready(delivery);
    expect([await inState('notified'), await inState('ready')]).toEqual([false, true]);
    await receiveOne(destination, packetId);
    expect(await inState('accepted')).toBe(true);
    expect(
      (await destination.client.deliveries.page({ limit: 500 })).items.map(({ deliveryId }) => deliveryId),
    ).not.toContain(delivery);
  });

  it('confirm-receipt: refuses a confirmation before ready, and nothing changes (A43)', async () => {
    const { delivery, parts, packetId } = await delivered();
    const answer = await confirm(delivery, { outcome: 'accepted', parts });
    expect(answer).toMatchObject({ status: 409, json: { code: 'not_ready', state: 'notified' } });
    expect(answer.json.detail).toContain('/ready');
    expect((await source.client.packets.get(packetId)).recipients[0].state).toBe('notified');
    await receiveOne(destination, packetId);
  });

  it('ready-to-receive: said twice, it renews the addresses and makes one receipt and one event', async () => {
    const { delivery, packetId } = await delivered();
    const [first, second] = [await fetchAll(destination, delivery), await fetchAll(destination, delivery)];
    expect(second[0].bytes.equals(first[0].bytes)).toBe(true);
    expect(first[0].status).toBe(200);
    await accept(destination, delivery);
    const { receipts } = await source.client.packets.receipts(packetId);
    expect(receipts.filter(({ event }) => event === 'delivery.ready')).toHaveLength(1);
  });

  it('answers eight ready calls at once with addresses, and one receipt', async () => {
    const { delivery, packetId } = await delivered();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ready(delivery)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    const { receipts } = await source.client.packets.receipts(packetId);
    expect(receipts.filter(({ event }) => event === 'delivery.ready')).toHaveLength(1);
    await accept(destination, delivery);
  });

  it('refuses ready and confirm by any other system, the source included (A19)', async () => {
    const { delivery, parts, packetId } = await delivered();
    const other = await platform.makeParty();
    for (const { key } of [other, source]) {
      expect(await ready(delivery, key)).toMatchObject({ status: 404, json: { code: 'not_found' } });
      expect(await confirm(delivery, { outcome: 'accepted', parts }, key)).toMatchObject({ status: 404 });
    }
    const bulk = { confirmations: [{ deliveryId: delivery, outcome: 'accepted', parts }] };
    const { json } = await platform.fetch<{ results: { status: number }[] }>('/v1/deliveries/confirmations', {
      method: 'POST',
      body: bulk,
      key: other.key,
    });
    expect(json.results.map(({ status }) => status)).toEqual([404]);
    expect((await source.client.packets.get(packetId)).recipients[0].state).toBe('notified');
    await receiveOne(destination, packetId);
  });

  it('refuses wrong, missing and invented digests naming the parts, changes nothing, and takes the right ones then', async () => {
    const { delivery, parts, packetId } = await delivered([newFile(100, 'a.txt'), newFile(100, 'b.txt')]);
    await ready(delivery);
    const wrong = [parts[0], { name: 'b.txt', sha256: digest('khác') }];
    const invented = [...parts, { name: 'c.txt', sha256: digest('không có') }];
    for (const [reported, named] of [
      [wrong, ['b.txt']],
      [[parts[0]], ['b.txt']],
      [[], ['a.txt', 'b.txt']],
      [invented, ['c.txt']],
    ] as const) {
      const { status, json } = await confirm(delivery, { outcome: 'accepted', parts: reported });
      expect({ status, code: json.code, parts: json.parts }).toEqual({
        status: 409,
        code: 'digest_mismatch',
        parts: named,
      });
    }
    expect((await source.client.packets.get(packetId)).recipients[0].state).toBe('ready');
    expect((await confirm(delivery, { outcome: 'accepted', parts: parts.toReversed() })).status).toBe(200);
  });

  it('gives the same receipt for the same confirmation, however often and however many at once', async () => {
    const { delivery, parts, packetId } = await delivered();
    await ready(delivery);
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => confirm(delivery, { outcome: 'accepted', parts })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(new Set(answers.map(({ json }) => json.receipt)).size).toBe(1);
    const { receipts } = await source.client.packets.receipts(packetId);
    expect(receipts.filter(({ event }) => event === 'delivery.accepted')).toHaveLength(1);
  });

  it('completes a packet once when all of its destinations confirm at the same moment', async () => {
    const parties = await Promise.all(Array.from({ length: 6 }, () => platform.makeParty()));
    for (let round = 0; round < 5; round++) {
      const { packetId } = await sendInline(source, parties);
      const fetched = await Promise.all(
        parties.map(async (party) => {
          const delivery = await deliveryId(source, packetId, party);
          const [{ part, bytes }] = await fetchAll(party, delivery);
          return { delivery, key: party.key, parts: [{ name: part, sha256: digest(bytes) }] };
        }),
      );
      const answers = await Promise.all(
        fetched.map(({ delivery, key, parts }) => confirm(delivery, { outcome: 'accepted', parts }, key)),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(parties.length).fill(200));
      const { state, timeline } = await source.client.packets.get(packetId);
      expect(state).toBe('completed');
      expect(timeline.filter(({ event }) => event === 'packet.completed')).toHaveLength(1);
      const { receipts } = await source.client.packets.receipts(packetId);
      expect((await verifyReceipts({ packetId, receipts }, await platform.admin.jwks())).problems).toEqual([]);
    }
  });

  it('refuses another confirmation, and ready, after the final one (A43)', async () => {
    const { delivery, parts, packetId } = await delivered();
    await receiveOne(destination, packetId);
    expect(await confirm(delivery, { outcome: 'rejected', parts: [] })).toMatchObject({
      status: 409,
      json: { code: 'wrong_state', state: 'accepted' },
    });
    expect(await confirm(delivery, { outcome: 'accepted', parts, reason: 'khác' })).toMatchObject({ status: 409 });
    expect(await ready(delivery)).toMatchObject({ status: 409, json: { code: 'wrong_state' } });
  });

  it('confirms many at once, each with its own result', async () => {
    const [good, unready, wrong] = [await delivered(), await delivered(), await delivered()];
    await Promise.all([ready(good.delivery), ready(wrong.delivery)]);
    const results = await destination.client.deliveries.confirmMany([
      { deliveryId: good.delivery, outcome: 'accepted', parts: good.parts },
      { deliveryId: unready.delivery, outcome: 'accepted', parts: unready.parts },
      {
        deliveryId: wrong.delivery,
        outcome: 'accepted',
        parts: good.parts.map(({ name }) => ({ name, sha256: digest('x') })),
      },
      { deliveryId: '0198f1c2-7d3e-7a10-8b8e-3f0d8a1c2b4d', outcome: 'accepted', parts: [] },
    ]);
    expect(results.map(({ status, error }) => [status, error?.code])).toEqual([
      [200, undefined],
      [409, 'not_ready'],
      [409, 'digest_mismatch'],
      [404, 'not_found'],
    ]);
    expect(results[0].answer).toMatchObject({ state: 'accepted', receipt: expect.any(String) });
    await Promise.all([unready, wrong].map(({ packetId }) => receiveOne(destination, packetId)));
  });

  it('lets a destination reject for good: the source learns why, and the content goes', async () => {
    const { delivery, packetId } = await delivered();
    await ready(delivery);
    const why = { reasonCode: 'wrong_addressee' as const, reason: 'Không thuộc thẩm quyền' };
    const { state } = await destination.client.deliveries.confirm(delivery, { outcome: 'rejected', parts: [], ...why });
    expect(state).toBe('rejected');
    expect(await eventOf(source, packetId, 'delivery.rejected')).toMatchObject({ data: { ...why, retryable: false } });
    const packet = await packetIn(source, packetId, 'completed');
    expect(packet.recipients[0]).toMatchObject({ state: 'rejected', ...why });
  });

  it('schedules a delivery again after a retryable rejection, with its content kept', async () => {
    const { delivery, packetId } = await delivered();
    await ready(delivery);
    const said: ConfirmRequest = { outcome: 'rejected', parts: [], reasonCode: 'disk_full', retryable: true };
    const { state, receipt } = await destination.client.deliveries.confirm(delivery, said);
    expect(state).toBe('pending');
    expect(receipt).toBeTruthy();
    // Its answer may have been lost: said again before the delivery comes again, it has the same one. Nothing else can be done with it until then.
    expect(await destination.client.deliveries.confirm(delivery, said)).toMatchObject({ state: 'pending', receipt });
    expect((await confirm(delivery, { outcome: 'accepted', parts: [] })).status).toBe(409);
    expect((await ready(delivery)).status).toBe(404);
    const { data } = await eventOf(source, packetId, 'delivery.rejected');
    expect(data).toMatchObject({ retryable: true, reasonCode: 'disk_full', retryAt: expect.any(String) });
    expect(Date.parse(String(data.retryAt)) - Date.now()).toBeLessThanOrEqual(61_000);
    expect(await source.client.packets.get(packetId)).toMatchObject({
      state: 'scheduled',
      purgedAt: null,
      recipients: [{ state: 'pending', attempt: 2 }],
    });
    // The pause of a minute is over sooner here.
    await platform.sql(`UPDATE deliveries SET available_at = now() WHERE id = $1`, [delivery]);
    await platform.sql(`UPDATE outbox SET available_at = now() WHERE packet_id = $1`, [packetId]);
    expect(await waiting(destination, packetId)).toMatchObject({ deliveryId: delivery, attempt: 2 });
    await receiveOne(destination, packetId);
    await packetIn(source, packetId, 'completed');
  });

  it('report-status: appends business statuses after acceptance and tells the source (A60)', async () => {
    const { packetId } = await delivered();
    const { packets } = destination.client;
    await expect(packets.reportStatus(packetId, { code: '01' })).rejects.toMatchObject({
      status: 409,
      code: 'wrong_state',
    });
    await receiveOne(destination, packetId);
    await packets.reportStatus(packetId, { code: '01', description: 'Đã đến' });
    await packets.reportStatus(packetId, { code: '03', at: '2026-01-02T03:04:05.000Z' });
    const { recipients } = await source.client.packets.get(packetId);
    expect(recipients[0].statuses).toEqual([
      { code: '01', description: 'Đã đến', at: expect.any(String) },
      { code: '03', at: '2026-01-02T03:04:05.000Z' },
    ]);
    expect(await eventOf(source, packetId, 'packet.status')).toMatchObject({
      data: { code: '01', description: 'Đã đến', systemId: destination.systemId },
    });
    await expect(source.client.packets.reportStatus(packetId, { code: '01' })).rejects.toMatchObject({ status: 404 });
  });

  it('takes only the codes of edXML for documents', async () => {
    const office = await platform.makeParty({ receives: ['edxml.document'] });
    const { packetId } = await sendInline(source, office, { dataType: 'edxml.document' });
    await accept(office, await deliveryId(source, packetId, office));
    await expect(office.client.packets.reportStatus(packetId, { code: '99' })).rejects.toMatchObject({
      code: 'validation_failed',
    });
    await office.client.packets.reportStatus(packetId, { code: '06' });
  });
});
