import type { SessionAnswer, StreamEvent } from '@lienthong/contracts';
import type { SigningKey } from '@lienthong/signing';
import { eventually } from '../support/eventually';
import { deliveryId, eventOf, eventsOf, packetIn, receiveOne, sendInline } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';
import { RawStream } from '../support/raw-stream';

jest.setTimeout(90_000);

const gapless = (events: StreamEvent[], first = 1): boolean =>
  events.every(({ offset }, index) => offset === String(first + index));
const stateOf = async (source: Party, packetId: string) =>
  (await source.client.packets.get(packetId)).recipients[0]?.state;

describe('Events', () => {
  let platform: Platform;
  let source: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    source = await platform.makeParty();
  });
  afterAll(() => platform?.stop());

  it('are CloudEvents with the packet as subject and an offset that grows by one', async () => {
    const destination = await platform.makeParty();
    for (let n = 0; n < 3; n += 1) await receiveOne(destination, (await sendInline(source, destination)).packetId);
    const events = await eventually(async () => {
      const all = await eventsOf(destination);
      return all.length === 6 && all;
    });
    expect(gapless(events)).toBe(true);
    expect(events.map(({ type }) => type).toSorted()).toEqual([
      ...Array(3).fill('packet.available'),
      ...Array(3).fill('packet.purged'),
    ]);
    for (const event of events)
      expect(event).toMatchObject({
        specversion: '1.0',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        source: platform.baseUrl,
        subject: expect.stringMatching(/^[0-9a-f-]{36}$/),
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        datacontenttype: 'application/json',
      });
    expect(new Set(events.map(({ id }) => id)).size).toBe(6);
  });

  it('accept-stream: ends within 10 s, at every instance, when the key is revoked that opened it, or the session ended (A15)', async () => {
    const party = await platform.makeParty();
    const other = await platform.makeParty();
    const { json } = await platform.fetch<SessionAnswer>('/v1/sessions', { method: 'POST', body: {}, key: other.key });
    const session = { keyId: json.sessionId, alg: 'hmac-sha256' as const, secret: json.sessionKey };
    const three = (key: SigningKey) => Promise.all([1, 2, 3].map(() => RawStream.of(platform.baseUrl, { key })));
    const [ofKey, ofSession] = [await three(party.key), await three(session)];
    // Balanced over the instances: each has seen the session, and could go on believing in it.
    const asked = () =>
      Promise.all(Array.from({ length: 6 }, () => platform.fetch('/v1/deliveries', { key: session })));
    expect((await asked()).map(({ status }) => status)).toEqual(Array(6).fill(200));

    await platform.admin.admin.keys.revoke(party.systemId, party.issued.accessKey);
    expect((await platform.fetch('/v1/sessions/current', { method: 'DELETE', key: session })).status).toBe(204);
    const endings = (streams: RawStream[]) => Promise.all(streams.map((stream) => stream.ending(10_000)));
    const refused = async () => (await asked()).every((answer) => answer.json.code === 'session_expired');
    const [byKey, bySession] = await Promise.all([
      endings(ofKey),
      endings(ofSession),
      eventually(refused, { within: 10_000, every: 500 }),
    ]);
    const ended = (reason: string) => Array.from({ length: 3 }, () => ({ code: 4401, reason }));
    expect(byKey).toEqual(ended('key_revoked'));
    expect(bySession).toEqual(ended('session_expired'));
    expect((await RawStream.of(platform.baseUrl, { key: session })).refused).toBe(401);
  });

  it('accept-stream: sends what is new at once, and an acknowledgement makes the delivery notified', async () => {
    const destination = await platform.makeParty();
    const stream = await RawStream.of(platform.baseUrl, destination);
    expect(stream.hello).toEqual({ type: 'hello', heartbeatSeconds: 25, lastOffset: '0', resumedFrom: '0' });
    expect(await source.client.directory.get(destination.systemId)).toMatchObject({ online: true });
    const { packetId } = await sendInline(source, destination);
    const event = await stream.event(packetId, 'packet.available');
    expect(await stateOf(source, packetId)).toBe('pending');
    stream.ack(event.offset);
    await eventually(async () => (await stateOf(source, packetId)) === 'notified');
    await stream.close();
    await receiveOne(destination, packetId);
  });

  it('number-events: sends again after a reconnect exactly what was not acknowledged, and resumes from where it is told', async () => {
    const destination = await platform.makeParty();
    const first = await RawStream.of(platform.baseUrl, destination);
    const sent: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const { packetId } = await sendInline(source, destination);
      await first.event(packetId, 'packet.available');
      sent.push(packetId);
    }
    first.ack('2');
    await eventually(async () => (await stateOf(source, sent[1])) === 'notified');
    await first.close();

    const second = await RawStream.of(platform.baseUrl, destination);
    expect(second.hello).toMatchObject({ lastOffset: '5', resumedFrom: '2' });
    await second.event(sent[4], 'packet.available');
    expect(second.events.map(({ offset }) => offset)).toEqual(['3', '4', '5']);
    expect(second.events.map(({ id }) => id)).toEqual(first.events.slice(2).map(({ id }) => id));
    await second.close();

    const third = await RawStream.of(platform.baseUrl, destination, '/v1/stream?from=4');
    await third.event(sent[4], 'packet.available');
    expect(third.events.map(({ offset }) => offset)).toEqual(['5']);
    await third.close();
    expect(await stateOf(source, sent[3])).toBe('pending');
  });

  it('come without gaps or repetitions through the client while sixty packets are sent at once', async () => {
    const destination = await platform.makeParty();
    const seen: StreamEvent[] = [];
    const stop = new AbortController();
    const stream = destination.client.stream({ signal: stop.signal, reconnect: { baseMs: 20, maxMs: 100 } });
    const listening = stream.each((event) => void seen.push(event));
    const waves = Array.from({ length: 6 }, async (_, wave) => {
      const packets = await Promise.all(Array.from({ length: 10 }, () => sendInline(source, destination)));
      // A second stream that is opened and closed beside it must not disturb the first.
      if (wave === 3) await (await RawStream.of(platform.baseUrl, destination)).close();
      return packets;
    });
    const sent = (await Promise.all(waves)).flat().map(({ packetId }) => packetId);
    const announced = () => seen.filter(({ type }) => type === 'packet.available').map(({ subject }) => subject);
    await eventually(() => announced().length >= 60, { within: 60_000 });
    stop.abort();
    await listening;
    expect(gapless(seen)).toBe(true);
    expect(announced().toSorted()).toEqual(sent.toSorted());
    expect(gapless(await eventsOf(source))).toBe(true);
    const last = await Promise.all(
      sent.map((packetId) => eventually(async () => (await stateOf(source, packetId)) !== 'pending')),
    );
    expect(last).toHaveLength(60);
  });

  it('read-events: reading the next page acknowledges the page before, and a poll may wait for the first event', async () => {
    const destination = await platform.makeParty();
    const [one, two] = [await sendInline(source, destination), await sendInline(source, destination)];
    await Promise.all([one, two].map(({ packetId }) => eventOf(destination, packetId, 'packet.available')));
    const { events } = destination.client;
    const page = await events.poll({ limit: 1 });
    expect(page).toMatchObject({ nextCursor: '1', lastOffset: '2' });
    const of = (offset: string) =>
      source.client.packets.get(String(all.find((event) => event.offset === offset)?.subject));
    const all = await eventsOf(destination);
    expect((await of('1')).recipients[0].state).toBe('pending');
    const next = await events.poll({ after: page.nextCursor ?? '' });
    expect(next.items.map(({ offset }) => offset)).toEqual(['2']);
    expect((await of('1')).recipients[0].state).toBe('notified');
    expect((await of('2')).recipients[0].state).toBe('pending');

    const began = Date.now();
    const waited = events.poll({ after: '2', waitSeconds: 20 });
    const third = await sendInline(source, destination);
    expect((await waited).items.map(({ subject }) => subject)).toEqual([third.packetId]);
    expect(Date.now() - began).toBeLessThan(15_000);
    const empty = await events.poll({ after: '3', waitSeconds: 1 });
    expect(empty).toMatchObject({ items: [], nextCursor: null, lastOffset: '3' });
    expect((await of('2')).recipients[0].state).toBe('notified');
  });

  it('open a stream for a browser by a ticket, once', async () => {
    const destination = await platform.makeParty();
    const { url } = await destination.client.events.ticket();
    expect(url.startsWith(platform.baseUrl.replace(/^http/, 'ws'))).toBe(true);
    const stream = await RawStream.at(url);
    expect(stream.hello).toMatchObject({ type: 'hello', lastOffset: '0' });
    const again = await RawStream.at(url);
    expect(again.refused).toBe(403);
    await stream.close();
    expect((await RawStream.at(url.replace(/ticket=.*/, 'ticket=invented'))).refused).toBe(403);
  });

  it('refuse a stream that is not signed, or signed for another address, before it is open', async () => {
    const destination = await platform.makeParty();
    const address = `${platform.baseUrl.replace(/^http/, 'ws')}/v1/stream`;
    expect((await RawStream.at(address)).refused).toBe(401);
    const key = { ...destination.key, secret: 'khong-phai-khoa-nay-khong-phai-khoa-nay' };
    expect((await RawStream.of(platform.baseUrl, { key })).refused).toBe(401);
    expect((await RawStream.of(platform.baseUrl, { key: platform.adminKey })).refused).toBe(403);
    expect((await RawStream.of(platform.baseUrl, destination, '/v1/stream?from=-1')).refused).toBe(400);
    expect((await RawStream.of(platform.baseUrl, destination, '/v1/streams')).refused).toBe(404);
  });

  describe('on a stream whose client misbehaves', () => {
    it.each([
      ['no JSON', 'rubbish {{{'],
      ['a frame of another kind', { type: 'hello' }],
      ['an unknown field', { type: 'ack', offset: '0', more: 1 }],
      ['an offset that is a number', { type: 'ack', offset: 0 }],
      ['an offset that is none', { type: 'ack', offset: '-1' }],
      ['an offset that it was never sent', { type: 'ack', offset: '999' }],
      ['bytes', Buffer.from([0, 1, 2, 255])],
      ['JSON that is no object', 'null'],
    ])('end with 4400 at %s', async (_what, frame) => {
      const destination = await platform.makeParty();
      const stream = await RawStream.of(platform.baseUrl, destination);
      stream.say(frame);
      expect(await stream.ending()).toMatchObject({ code: 4400 });
    });

    it('end a stream that sends a frame of many megabytes, and one that floods, and serve the others meanwhile', async () => {
      const [big, flood, quiet] = [await platform.makeParty(), await platform.makeParty(), await platform.makeParty()];
      const streams = await Promise.all([big, flood, quiet].map((party) => RawStream.of(platform.baseUrl, party)));
      streams[0].say('x'.repeat(8 * 1024 * 1024));
      for (let n = 0; n < 3000 && !streams[1].closed; n += 1) streams[1].ack('0');
      expect([1006, 1009]).toContain((await streams[0].ending()).code);
      expect(await streams[1].ending()).toMatchObject({ code: 4400 });
      const { packetId } = await sendInline(source, quiet);
      await streams[2].event(packetId, 'packet.available');
      await streams[2].close();
    });

    it('replace the oldest stream of a system that opens too many', async () => {
      const destination = await platform.makeParty();
      // Each instance counts its own; two of them hold at most twice as many.
      const streams: RawStream[] = [];
      for (let n = 0; n < 17; n += 1) streams.push(await RawStream.of(platform.baseUrl, destination));
      const replaced = await eventually(() => streams.find(({ closed }) => closed));
      expect(replaced.closed).toMatchObject({ code: 4409 });
      expect(streams.at(-1)?.closed).toBeUndefined();
      await Promise.all(streams.map((stream) => stream.close()));
    });
  });

  it('stop at a hundred unacknowledged ones and end the stream of a client that acknowledges nothing for a minute', async () => {
    const destination = await platform.makeParty();
    const stream = await RawStream.of(platform.baseUrl, destination);
    const sent: string[] = [];
    for (let wave = 0; wave < 11; wave += 1)
      sent.push(
        ...(await Promise.all(Array.from({ length: 10 }, () => sendInline(source, destination)))).map(
          (one) => one.packetId,
        ),
      );
    const began = Date.now();
    await eventually(() => stream.events.length === 100);
    await Promise.all(sent.map((packetId) => packetIn(source, packetId, 'scheduled')));
    expect(await stream.ending(80_000)).toMatchObject({ code: 4408 });
    expect(Date.now() - began).toBeGreaterThan(40_000);
    expect(stream.events).toHaveLength(100);
    expect(await stateOf(source, sent[0])).toBe('pending');
    // Nothing is lost: a client that acknowledges gets the whole of it.
    const seen = new Set<string>();
    for await (const event of destination.client.stream()) if (seen.add(String(event.subject)).size === 110) break;
    expect(sent.filter((packetId) => !seen.has(packetId))).toEqual([]);
    await destination.client.deliveries.ready(await deliveryId(source, sent[0], destination));
  }, 150_000);
});
