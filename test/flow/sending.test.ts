import { randomBytes, randomUUID } from 'node:crypto';
import type { MultipartUpload, SendAnswer } from '@lienthong/contracts';
import {
  deliveryId,
  digest,
  eventOf,
  fetchAll,
  inlineRequest,
  newFile,
  openSpace,
  packetIn,
  partOf,
  put,
  putPieces,
  receiveOne,
  sendPut,
  waiting,
} from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(90_000);
/** Of a client gone wrong, at one moment. */
const STORM = 200;

describe('Sending', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  const post = <T = SendAnswer & { code?: string }>(body: unknown, key?: string, by = source) =>
    platform.fetch<T>('/v1/packets', {
      method: 'POST',
      body,
      key: by.key,
      headers: key === undefined ? {} : { 'idempotency-key': key },
    });
  const complete = (packetId: string, body: unknown = {}) =>
    platform.fetch(`/v1/packets/${packetId}/complete`, { method: 'POST', body, key: source.key });

  describe('with an Idempotency-Key', () => {
    it('gives the same packet again with a fresh space while it is open, and its present state afterwards', async () => {
      const [key, file] = [randomUUID(), newFile()];
      const body = {
        to: [destination.systemId],
        title: 'Một lần',
        dataType: 'file',
        protocol: 'put',
        parts: [partOf(file)],
      };
      const first = await post(body, key);
      const second = await post(body, key);
      expect([first.status, second.status]).toEqual([201, 201]);
      expect(second.json).toMatchObject({
        packetId: first.json.packetId,
        state: 'open',
        recipients: first.json.recipients,
      });
      const [upload] = second.json.space?.uploads ?? [];
      if (!('url' in upload)) throw new Error('There is no address.');
      expect((await put(upload, file.bytes)).status).toBe(200);
      await source.client.packets.complete(first.json.packetId);
      await receiveOne(destination, first.json.packetId);
      await packetIn(source, first.json.packetId, 'completed');
      const third = await post(body, key);
      expect(third.json).toMatchObject({ packetId: first.json.packetId, state: 'completed' });
      expect(third.json.space).toBeUndefined();
    });

    it('refuses another body under the same key, and takes the same key of another system (A41)', async () => {
      const key = randomUUID();
      const { json } = await post(inlineRequest(destination), key);
      const other = await post<{ code: string; packetId: string }>(inlineRequest(destination, { title: 'Khác' }), key);
      expect(other).toMatchObject({ status: 422, json: { code: 'idempotency_key_reused', packetId: json.packetId } });
      const stranger = await platform.makeParty();
      const theirs = await post(inlineRequest(destination), key, stranger);
      expect(theirs.status).toBe(201);
      expect(theirs.json.packetId).not.toBe(json.packetId);
    });

    it.each(['inline', 'put'] as const)('makes one packet of eight requests at once, with %s', async (protocol) => {
      const key = randomUUID();
      const body =
        protocol === 'inline'
          ? inlineRequest(destination)
          : { ...inlineRequest(destination), protocol, parts: [partOf(newFile())] };
      const before = (await source.client.packets.page({ limit: 500 })).items.length;
      const answers = await Promise.all(Array.from({ length: 8 }, () => post(body, key)));
      const codes = answers.map(({ status, json }) => `${status} ${json.code ?? ''}`.trim());
      expect(codes.filter((code) => code !== '201' && code !== '409 idempotency_in_progress')).toEqual([]);
      expect(codes).toContain('201');
      const made = new Set(answers.filter(({ status }) => status === 201).map(({ json }) => json.packetId));
      expect(made.size).toBe(1);
      expect((await source.client.packets.page({ limit: 500 })).items).toHaveLength(before + 1);
    });

    it(`makes one packet of a storm of ${STORM} requests under one key, and answers each`, async () => {
      const key = randomUUID();
      const body = inlineRequest(destination);
      const before = (await source.client.packets.page({ limit: 500 })).items.length;
      const began = performance.now();
      const answers = await Promise.all(Array.from({ length: STORM }, () => post(body, key)));
      const seconds = (performance.now() - began) / 1000;
      const counts: Record<string, number> = {};
      for (const { status, json } of answers) {
        const answer = `${status} ${json.code ?? ''}`.trim();
        counts[answer] = (counts[answer] ?? 0) + 1;
      }
      process.stdout.write(
        `one key: ${STORM} requests answered in ${seconds.toFixed(2)} s, ${JSON.stringify(counts)}\n`,
      );
      // Who is refused for their number may come again.
      const allowed = ['201', '409 idempotency_in_progress', '429 rate_limited', '503 overloaded'];
      expect(Object.keys(counts).filter((answer) => !allowed.includes(answer))).toEqual([]);
      const refused = answers.filter(({ status }) => status === 429 || status === 503);
      expect(refused.filter(({ headers }) => !headers.has('retry-after'))).toEqual([]);
      const made = new Set(answers.filter(({ status }) => status === 201).map(({ json }) => json.packetId));
      expect(made.size).toBe(1);
      expect((await source.client.packets.page({ limit: 500 })).items).toHaveLength(before + 1);
    });

    it.each(['', ' ', 'có dấu', 'a b', 'x'.repeat(256)])('refuses %j as a key', async (key) => {
      const encoded = Buffer.from(key).toString('latin1');
      const { status, json } = await post<{ code: string }>(inlineRequest(destination), encoded);
      expect({ status, code: json.code }).toEqual({ status: 400, code: 'validation_failed' });
    });
  });

  it('renews the addresses of an open space, and they work', async () => {
    const file = newFile();
    const { packetId, uploads } = await openSpace(source, destination, file);
    const renewed = await source.client.packets.renewSpace(packetId);
    expect(Date.parse(renewed.expiresAt)).toBeGreaterThan(Date.now() + 3_000_000);
    const [upload] = renewed.uploads;
    expect(upload.part).toBe(uploads[0].part);
    if (!('url' in upload)) throw new Error('There is no address.');
    expect((await put(upload, file.bytes)).status).toBe(200);
    await source.client.packets.complete(packetId);
    const answer = await platform.fetch(`/v1/packets/${packetId}/space`, { method: 'POST', key: source.key });
    expect(answer).toMatchObject({ status: 409, json: { code: 'wrong_state' } });
    await receiveOne(destination, packetId);
  });

  it('goes on with the pieces that are there after the space of a multipart upload was renewed', async () => {
    const bytes = randomBytes(17 * 1024 * 1024);
    const { json } = await post({
      to: [destination.systemId],
      title: 'Hai mảnh',
      dataType: 'file',
      protocol: 'multipart',
      parts: [partOf({ name: 'lon.bin', bytes })],
    });
    const [first] = (json.space?.uploads ?? []) as MultipartUpload[];
    const one = await put(first.urls[0], bytes.subarray(0, first.partSize));
    const [second] = (await source.client.packets.renewSpace(json.packetId)).uploads as MultipartUpload[];
    const two = await put(second.urls[1], bytes.subarray(first.partSize));
    await source.client.packets.complete(json.packetId, {
      multipart: [{ part: 'lon.bin', etags: [one.etag, two.etag] }],
    });
    const [fetched] = await fetchAll(destination, await deliveryId(source, json.packetId, destination));
    expect(digest(fetched.bytes)).toBe(digest(bytes));
  });

  describe('complete-upload', () => {
    it('refuses a packet without its content, naming the parts, and takes it when it is there', async () => {
      const files = [newFile(100, 'có.txt'), newFile(100, 'thiếu.txt')];
      const { packetId, uploads } = await openSpace(source, destination, files);
      await put(uploads[0], files[0].bytes);
      const { status, json } = await complete(packetId);
      expect({ status, code: json.code, parts: json.parts }).toEqual({
        status: 409,
        code: 'content_incomplete',
        parts: [{ part: 'thiếu.txt', reason: 'missing' }],
      });
      expect(json.detail).toContain('thiếu.txt');
      await put(uploads[1], files[1].bytes);
      expect((await complete(packetId)).status).toBe(202);
      await receiveOne(destination, packetId);
    });

    it('never passes on other content: the store refuses it, or the completion, or the analysis', async () => {
      const file = newFile(10_000);
      const altered = Buffer.from(file.bytes);
      altered[5000] ^= 1;
      for (const other of [altered, file.bytes.subarray(1), Buffer.concat([file.bytes, Buffer.from('x')])]) {
        const { packetId, uploads } = await openSpace(source, destination, file);
        const stored = await put(uploads[0], other);
        const completed = await complete(packetId);
        if (completed.status === 202) await eventOf(source, packetId, 'packet.refused');
        else expect(completed).toMatchObject({ status: 409, json: { code: 'content_incomplete' } });
        expect(stored.status === 200 || completed.status === 409).toBe(true);
        expect(
          (await destination.client.deliveries.page({ limit: 500 })).items.filter((item) => item.packetId === packetId),
        ).toEqual([]);
      }
    });

    it('refuses pieces that are missing, in the wrong order, or of other content', async () => {
      const bytes = randomBytes(17 * 1024 * 1024);
      const opened = async () => {
        const { json } = await post({
          to: [destination.systemId],
          title: 'Mảnh',
          dataType: 'file',
          protocol: 'multipart',
          parts: [partOf({ name: 'lon.bin', bytes })],
        });
        return { packetId: json.packetId, upload: (json.space?.uploads ?? [])[0] as MultipartUpload };
      };
      const { packetId, upload } = await opened();
      const multipart = await putPieces(upload, bytes);
      for (const etags of [multipart.etags.slice(0, 1), multipart.etags.toReversed(), [multipart.etags[0], '"0000"']])
        expect(await complete(packetId, { multipart: [{ part: 'lon.bin', etags }] })).toMatchObject({
          status: 409,
          json: { code: 'content_incomplete' },
        });
      expect((await complete(packetId)).status).toBe(409);
      expect((await complete(packetId, { multipart: [multipart] })).status).toBe(202);
      await receiveOne(destination, packetId);

      const other = Buffer.from(bytes);
      other[17_000_000] ^= 1;
      const swapped = await opened();
      const answer = await complete(swapped.packetId, { multipart: [await putPieces(swapped.upload, other)] });
      if (answer.status === 202) await eventOf(source, swapped.packetId, 'packet.refused');
      else expect(answer).toMatchObject({ status: 409, json: { code: 'content_incomplete' } });
    });

    it('said twice, or eight times at once, is said once', async () => {
      const file = newFile();
      const { packetId, uploads } = await openSpace(source, destination, file);
      await put(uploads[0], file.bytes);
      const answers = await Promise.all(Array.from({ length: 8 }, () => complete(packetId)));
      expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202));
      await receiveOne(destination, packetId);
      await packetIn(source, packetId, 'completed');
      expect(await complete(packetId)).toMatchObject({ status: 202, json: { packetId, state: 'completed' } });
      const { receipts } = await source.client.packets.receipts(packetId);
      expect(receipts.filter(({ event }) => event === 'packet.accepted')).toHaveLength(1);
    });

    it('refuses a packet whose space has run out, from the moment it has', async () => {
      const file = newFile();
      const { packetId, uploads } = await openSpace(source, destination, file);
      await put(uploads[0], file.bytes);
      // A space lives for 24 hours; nothing on the wire makes it shorter.
      await platform.sql(`UPDATE packets SET space_expires_at = now() WHERE id = $1`, [packetId]);
      expect(await complete(packetId)).toMatchObject({ status: 409, json: { code: 'wrong_state', state: 'expired' } });
      const renewal = await platform.fetch(`/v1/packets/${packetId}/space`, { method: 'POST', key: source.key });
      expect(renewal).toMatchObject({ status: 409, json: { code: 'wrong_state' } });
    });

    it('takes the policy of the completion over that of the request', async () => {
      const file = newFile();
      const { packetId, uploads } = await openSpace(source, destination, file, {
        policy: { keepAfterConfirmSeconds: 3600, warnAt: [0.1] },
      });
      await put(uploads[0], file.bytes);
      const deliverBy = new Date(Date.now() + 86_400_000).toISOString();
      await source.client.packets.complete(packetId, { policy: { keepAfterConfirmSeconds: 0, deliverBy } });
      const { policy } = await packetIn(source, packetId, 'scheduled');
      expect(policy).toMatchObject({ keepAfterConfirmSeconds: 0, deliverBy, warnAt: [0.1], allowPartial: false });
      await receiveOne(destination, packetId);
    });
  });

  it('never serves content that is swapped, enlarged, shortened or uploaded again after acceptance (A21)', async () => {
    const file = newFile(20_000);
    const swapped = Buffer.from(file.bytes);
    swapped[0] ^= 0xff;
    const attempts = [swapped, Buffer.concat([file.bytes, randomBytes(1)]), file.bytes.subarray(0, 19_999), file.bytes];
    const { packetId, uploads } = await sendPut(source, destination, file);
    const attack = async () => {
      for (const bytes of attempts) {
        await put(uploads[0], bytes);
        // Without the headers that bind the address to its content.
        await fetch(uploads[0].url, { method: 'PUT', body: new Uint8Array(bytes) }).then((answer) =>
          answer.arrayBuffer(),
        );
      }
      await fetch(uploads[0].url, { method: 'DELETE' }).then((answer) => answer.arrayBuffer());
    };
    await attack();
    const { deliveryId: delivery } = await waiting(destination, packetId);
    const served = async () => {
      const [fetched] = await fetchAll(destination, delivery);
      return fetched.status === 200 && fetched.bytes.equals(file.bytes);
    };
    expect(await served()).toBe(true);
    await attack();
    expect(await served()).toBe(true);
    await receiveOne(destination, packetId);
  });

  it('never serves pieces that are put again after a multipart upload was accepted', async () => {
    const bytes = randomBytes(17 * 1024 * 1024);
    const { json } = await post({
      to: [destination.systemId],
      title: 'Mảnh',
      dataType: 'file',
      protocol: 'multipart',
      parts: [partOf({ name: 'lon.bin', bytes })],
    });
    const [upload] = (json.space?.uploads ?? []) as MultipartUpload[];
    await source.client.packets.complete(json.packetId, { multipart: [await putPieces(upload, bytes)] });
    const other = randomBytes(bytes.length);
    // Refused before its body was read, an upload may break off; taken or not, it must change nothing.
    const refused = () => ({ part: upload.part, etags: upload.urls.map(() => '"0"') });
    await putPieces(upload, other).catch(refused);
    await source.client.packets.complete(json.packetId, { multipart: [await putPieces(upload, other).catch(refused)] });
    const [fetched] = await fetchAll(destination, await deliveryId(source, json.packetId, destination));
    expect(digest(fetched.bytes)).toBe(digest(bytes));
    await receiveOne(destination, json.packetId);
  });
});
