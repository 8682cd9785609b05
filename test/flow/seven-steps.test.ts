import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyBundle } from '@lienthong/client';
import type { MultipartUpload, ReceiptClaims } from '@lienthong/contracts';
import { eventually } from '../support/eventually';
import {
  deliveryId,
  digest,
  download,
  eventOf,
  eventsOf,
  fetchAll,
  newFile,
  openSpace,
  packetIn,
  partOf,
  purged,
  put,
  putPieces,
  receiveOne,
  sendInline,
  sendPut,
  waiting,
} from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(120_000);

describe('The seven steps', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lienthong-files-'));
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  describe('with a file put into a space', () => {
    const file = newFile(368_123, '1234-QĐ.edxml');
    let packetId: string;
    let delivery: string;

    it('S1 open-session: gives the source a session, with what it has under way', async () => {
      const session = await source.client.sessions.open();
      expect(session).toMatchObject({
        system: { id: source.systemId, agencyCode: source.agencyCode },
        outgoing: { open: 0, received: 0, scheduled: 0, completed: 0 },
        incoming: { pending: 0, items: [] },
      });
      expect(session.sessionKey.length).toBeGreaterThanOrEqual(32);
      const life = Date.parse(session.expiresAt) - Date.parse(session.serverTime);
      expect(life).toBeGreaterThan(3_500_000);
      expect(life).toBeLessThanOrEqual(3_600_000);
    });

    it('S2 request-space: answers per recipient and gives one address per part', async () => {
      const { answer, uploads } = await openSpace(source, destination.agencyCode, file, { priority: 'urgent' });
      packetId = answer.packetId;
      expect(answer).toMatchObject({
        state: 'open',
        recipients: [
          { address: destination.agencyCode, systemId: destination.systemId, allowed: true, routedBy: 'dataType' },
        ],
      });
      expect(uploads).toEqual([
        { part: file.name, method: 'PUT', url: expect.any(String), headers: expect.any(Object) },
      ]);
      expect((await put(uploads[0], file.bytes)).status).toBe(200);
    });

    it('S3 to S4 complete-upload: takes the packet over', async () => {
      expect(await source.client.packets.complete(packetId)).toMatchObject({ packetId, state: 'received' });
    });

    it('S4 analyse-packet: gives the source its receipt of what was received', async () => {
      const { data } = await eventOf(source, packetId, 'packet.accepted');
      const [claims] = await claimsOf([data.receipt as string]);
      expect(claims).toMatchObject({
        event: 'packet.accepted',
        packetId,
        from: source.systemId,
        to: [destination.systemId],
      });
      const { name, size, sha256 } = partOf(file);
      expect(claims.parts).toEqual([{ name, size, sha256 }]);
    });

    it('S4 plan-delivery: makes one pending delivery for the destination', async () => {
      const packet = await packetIn(source, packetId, 'scheduled');
      expect(packet.recipients).toEqual([
        expect.objectContaining({ systemId: destination.systemId, state: 'pending', attempt: 1, routedBy: 'dataType' }),
      ]);
      delivery = packet.recipients[0].deliveryId;
      const days = (Date.parse(packet.policy.deliverBy ?? '') - Date.parse(packet.receivedAt ?? '')) / 86_400_000;
      expect(days).toBeCloseTo(5, 2);
    });

    it('S4 notify-destination: writes packet.available into the stream of the destination', async () => {
      const event = await eventOf(destination, packetId, 'packet.available');
      expect(event.data).toMatchObject({
        deliveryId: delivery,
        packetId,
        from: source.systemId,
        priority: 'urgent',
        dataType: 'file',
        parts: [partOf(file)],
        attempt: 1,
      });
    });

    it('S5 list-deliveries: shows the destination what waits, which is proof that it has been told', async () => {
      const session = await destination.client.sessions.open();
      expect(session.incoming.pending).toBe(1);
      expect(session.incoming.items[0].deliveryId).toBe(delivery);
      expect(await waiting(destination, packetId)).toMatchObject({ deliveryId: delivery, state: 'notified' });
      expect((await source.client.packets.get(packetId)).recipients[0].state).toBe('notified');
    });

    it('S6 ready-to-receive: gives the destination the addresses, ranges served, and tells the source', async () => {
      const [fetched] = await fetchAll(destination, delivery);
      expect(fetched).toMatchObject({
        part: file.name,
        status: 200,
        size: file.bytes.length,
        sha256: digest(file.bytes),
      });
      expect(fetched.bytes.equals(file.bytes)).toBe(true);
      const range = await download(fetched, { range: 'bytes=1000-1999' });
      expect(range.status).toBe(206);
      expect(range.bytes.equals(file.bytes.subarray(1000, 2000))).toBe(true);
      expect(await eventOf(source, packetId, 'delivery.ready')).toMatchObject({ data: { deliveryId: delivery } });
    });

    it('S7 confirm-receipt: records the digests that the destination computed and completes the packet', async () => {
      const answer = await receiveOne(destination, packetId);
      expect(answer).toMatchObject({ deliveryId: delivery, state: 'accepted' });
      const [claims] = await claimsOf([answer.receipt]);
      expect(claims).toMatchObject({
        event: 'delivery.accepted',
        to: [destination.systemId],
        deliveryId: delivery,
        request: { method: 'POST', path: `/v1/deliveries/${delivery}/confirm`, alg: 'hmac-sha256' },
        detail: { reported: [{ name: file.name, sha256: digest(file.bytes) }] },
      });
      await packetIn(source, packetId, 'completed');
    });

    it('S7 purge-content: removes the content and tells both, with a receipt', async () => {
      const packet = await purged(source, packetId);
      expect(Date.parse(packet.purgedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(packet.finishedAt ?? ''));
      for (const party of [source, destination]) {
        const { data } = await eventOf(party, packetId, 'packet.purged');
        const [claims] = await claimsOf([data.receipt as string]);
        expect(claims).toMatchObject({ event: 'packet.purged', packetId });
      }
    });

    it('read-packet: tells the whole story in order, to the source and to the destination', async () => {
      const { timeline, state } = await source.client.packets.get(packetId);
      expect(state).toBe('completed');
      expect(timeline.map(({ event }) => event)).toEqual([
        'packet.open',
        'packet.received',
        'packet.accepted',
        'packet.scheduled',
        'delivery.announced',
        'delivery.notified',
        'delivery.ready',
        'delivery.accepted',
        'packet.completed',
        'packet.purged',
      ]);
      const times = timeline.map(({ at }) => at);
      expect(times).toEqual(times.toSorted());
      expect(await destination.client.packets.get(packetId)).toMatchObject({
        state: 'completed',
        recipients: [{ systemId: destination.systemId, state: 'accepted' }],
      });
    });

    it('tells the source of each step once, in order', async () => {
      const own = (await eventsOf(source)).filter(({ subject }) => subject === packetId);
      expect(own.map(({ type }) => type)).toEqual([
        'packet.accepted',
        'delivery.ready',
        'delivery.accepted',
        'packet.completed',
        'packet.purged',
      ]);
    });

    it('keeps evidence that verifies offline against a saved JWKS, after the content is gone', async () => {
      const jwks = await platform.admin.jwks();
      const bundle = await destination.client.packets.receipts(packetId);
      expect(bundle).toEqual(await source.client.packets.receipts(packetId));
      expect(bundle.receipts.map(({ event }) => event)).toEqual([
        'packet.accepted',
        'delivery.ready',
        'delivery.accepted',
        'packet.purged',
      ]);
      const saved = JSON.parse(JSON.stringify({ bundle, jwks })) as { bundle: typeof bundle; jwks: typeof jwks };
      expect(await verifyBundle(saved.bundle, saved.jwks)).toMatchObject({ valid: true, problems: [] });
      const cut = { ...bundle, receipts: bundle.receipts.filter((_, index) => index !== 1) };
      expect((await verifyBundle(cut, jwks)).valid).toBe(false);
    });
  });

  it('takes a small packet inline in one call', async () => {
    const { packetId, state, space } = await sendInline(source, destination);
    expect({ state, space }).toEqual({ state: 'received', space: undefined });
    await receiveOne(destination, packetId);
    await purged(source, packetId);
  });

  it('sends several parts in one packet, each with its own name, and gives back exactly those bytes', async () => {
    const files = [newFile(1, 'một byte.bin'), newFile(70_000, 'phụ lục "A".pdf'), newFile(5_000, 'a/../b\\c.txt')];
    const { packetId } = await sendPut(source, destination, files);
    const { deliveryId: delivery } = await waiting(destination, packetId);
    const fetched = await fetchAll(destination, delivery);
    expect(fetched.map(({ part }) => part)).toEqual(files.map(({ name }) => name));
    fetched.forEach(({ bytes }, index) => expect(bytes.equals(files[index].bytes)).toBe(true));
    await receiveOne(destination, packetId);
  });

  it('sends a file of 40 MiB in three pieces and gives back exactly those bytes', async () => {
    const bytes = randomBytes(40 * 1024 * 1024);
    const part = partOf({ name: 'ban-do.tif', bytes });
    const answer = await source.client.packets.send({
      to: [destination.systemId],
      title: 'Bản đồ',
      dataType: 'file',
      protocol: 'multipart',
      parts: [part],
    });
    const [upload] = (answer.space?.uploads ?? []) as MultipartUpload[];
    expect(upload.urls.map(({ partNumber }) => partNumber)).toEqual([1, 2, 3]);
    const multipart = [await putPieces(upload, bytes)];
    expect(await source.client.packets.complete(answer.packetId, { multipart })).toMatchObject({ state: 'received' });
    const [fetched] = await fetchAll(destination, await deliveryId(source, answer.packetId, destination));
    expect(digest(fetched.bytes)).toBe(part.sha256);
    await receiveOne(destination, answer.packetId);
    await purged(source, answer.packetId);
  });

  it('does all of it through the client library, from a file on disk to a file on disk', async () => {
    const path = join(folder, 'tờ trình.docx');
    writeFileSync(path, randomBytes(400_000));
    const sent = await source.client.sendFiles({ to: destination.agencyCode, title: 'Tờ trình', files: [path] });
    expect(sent).toMatchObject({ protocol: 'put', state: 'received' });
    await waiting(destination, sent.packetId);
    const { received, failed } = await destination.client.receiveAll(join(folder, 'inbox'));
    expect(failed).toEqual([]);
    const [file] = received.find(({ packet }) => packet.packetId === sent.packetId)?.files ?? [];
    expect(readFileSync(file.path).equals(readFileSync(path))).toBe(true);
    await packetIn(source, sent.packetId, 'completed');
  });

  it('completes a packet for three destinations only with the last of them', async () => {
    const others = [await platform.makeParty(), await platform.makeParty()];
    const { packetId } = await sendPut(source, [destination, ...others]);
    await receiveOne(others[0], packetId);
    await receiveOne(destination, packetId);
    expect((await source.client.packets.get(packetId)).state).toBe('scheduled');
    const view = await others[0].client.packets.get(packetId);
    expect(view.recipients.map(({ systemId }) => systemId)).toEqual([others[0].systemId]);
    await receiveOne(others[1], packetId);
    await packetIn(source, packetId, 'completed');
    await purged(source, packetId);
    const { receipts } = await source.client.packets.receipts(packetId);
    expect(receipts.filter(({ event }) => event === 'delivery.accepted')).toHaveLength(3);
    const own = (await eventsOf(source)).filter(({ subject }) => subject === packetId);
    expect(own.filter(({ type }) => type === 'packet.completed')).toHaveLength(1);
  });

  it('counts what a source sent by state in its next session', async () => {
    const counted = await eventually(async () => {
      const { outgoing } = await source.client.sessions.open();
      return outgoing.scheduled === 0 && outgoing;
    });
    const { items } = await source.client.packets.page({ state: 'completed', limit: 500 });
    expect(counted).toMatchObject({ open: 0, received: 0, completed: items.length });
  });

  it('shows nothing of a packet to a system that is not a party', async () => {
    const stranger = await platform.makeParty();
    const { packetId } = await sendInline(source, destination);
    const delivery = await deliveryId(source, packetId, destination);
    const { packets, deliveries } = stranger.client;
    for (const call of [
      () => packets.get(packetId),
      () => packets.receipts(packetId),
      () => packets.renewSpace(packetId),
      () => packets.complete(packetId),
      () => packets.recall(packetId, 'không phải của tôi'),
      () => packets.reportStatus(packetId, { code: '01' }),
      () => deliveries.ready(delivery),
      () => deliveries.confirm(delivery, { outcome: 'rejected', parts: [] }),
    ])
      await expect(call()).rejects.toMatchObject({ status: 404, code: 'not_found' });
    expect((await packets.page()).items).toEqual([]);
    expect((await deliveries.page()).items).toEqual([]);
    await receiveOne(destination, packetId);
  });
});

/** Claims as they stand in the JWS; that the signatures hold is a test of its own. */
const claimsOf = async (receipts: string[]): Promise<ReceiptClaims[]> =>
  receipts.map((jws) => JSON.parse(Buffer.from(jws.split('.')[1], 'base64url').toString()) as ReceiptClaims);
