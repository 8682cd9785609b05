import { EventEmitter, once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { CLOSE } from '@lienthong/contracts';
import { LienThongClient } from '../client';
import { ACCESS_KEY, FakePlatform, SECRET_KEY } from '../testing/fake-platform';
import { FakeStream } from '../testing/fake-stream';
import type { EventStream, StreamNotice, StreamOptions } from './event-stream';

/** Bounded by the test's own time limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
const expected = (count: number) => Array.from({ length: count }, (_unused, index) => String(index + 1));

describe('event stream', () => {
  let platform: FakePlatform;
  let fake: FakeStream;
  let client: LienThongClient;
  let open: EventStream[];
  let notices: StreamNotice[];
  const retry = { attempts: 2, totalMs: 1000, baseMs: 1, maxMs: 5 };

  beforeEach(async () => {
    platform = await new FakePlatform().start();
    fake = new FakeStream(platform);
    client = new LienThongClient({ baseUrl: platform.origin, accessKey: ACCESS_KEY, secretKey: SECRET_KEY, retry });
    open = [];
    notices = [];
  });
  afterEach(async () => {
    for (const stream of open) stream.close();
    await client.close();
    await platform.stop();
  });

  function listen(options: StreamOptions = {}): { offsets: string[]; done: Promise<unknown>; stream: EventStream } {
    const stream = client.stream({
      reconnect: { baseMs: 1, maxMs: 10 },
      onNotice: (notice) => notices.push(notice),
      ...options,
    });
    open.push(stream);
    const offsets: string[] = [];
    const done = stream.each(({ offset }) => void offsets.push(offset)).catch((error: unknown) => error);
    return { offsets, done, stream };
  }
  it('signs the upgrade with the session, hands out every event in order and acknowledges the last', async () => {
    const { offsets } = listen();
    await until(() => fake.connections === 1);
    fake.emit(120);
    await until(() => fake.acknowledged === 120);
    expect(offsets).toEqual(expected(120));
    expect(notices[0]).toMatchObject({ type: 'connected', heartbeatSeconds: 25 });
  });

  it('does not acknowledge every event on its own', async () => {
    fake.emit(100);
    listen();
    await until(() => fake.acknowledged === 100);
    expect(fake.acks.length).toBeLessThanOrEqual(10);
    expect(fake.acks).toContain('50');
  });

  it('acknowledges an event only when its handler has finished', async () => {
    const gate = new EventEmitter();
    const stream = client.stream();
    open.push(stream);
    const finished = once(gate, 'finish');
    const seen: string[] = [];
    void stream.each(async ({ offset }) => {
      seen.push(offset);
      if (offset === '2') await finished;
    });
    fake.emit(3);
    await until(() => fake.acknowledged === 1);
    expect(seen).toEqual(['1', '2']);
    gate.emit('finish');
    await until(() => fake.acknowledged === 3);
  });

  it('comes back after a broken connection and hands out no event twice', async () => {
    const { offsets } = listen();
    await until(() => fake.connections === 1);
    fake.emit(5);
    await until(() => fake.acknowledged === 5);
    fake.socket?.terminate();
    fake.emit(5);
    await until(() => fake.acknowledged === 10);
    expect(fake.from).toEqual([null, null]);
    expect(offsets).toEqual(expected(10));
  });

  it('acknowledges again what it had handled when the acknowledgement was lost', async () => {
    const { offsets } = listen();
    await until(() => fake.connections === 1);
    fake.emit(5);
    await until(() => fake.acknowledged === 5);
    fake.acknowledged = 2;
    fake.socket?.terminate();
    await until(() => fake.acknowledged === 5);
    expect(offsets).toEqual(expected(5));
  });

  it('does not acknowledge on a new connection what that one has not sent yet', async () => {
    const gate = new EventEmitter();
    const handled: string[] = [];
    const stream = client.stream({ reconnect: { baseMs: 1, maxMs: 10 } });
    open.push(stream);
    const opened = once(gate, 'open');
    const done = stream.each(async ({ offset }) => {
      await opened;
      handled.push(offset);
    });
    fake.emit(3);
    await until(() => fake.connections === 1);
    fake.held = true;
    fake.socket?.terminate();
    await until(() => fake.connections === 2);
    gate.emit('open');
    await until(() => handled.length === 3);
    fake.release();
    await until(() => fake.acknowledged === 3);
    expect(fake.connections).toBe(2);
    expect(handled).toEqual(expected(3));
    stream.close();
    await done;
  });

  it('hands out again in a later run what was not handled, and passes over copies within one run', async () => {
    fake.emit(3);
    for await (const event of client.stream()) {
      expect(event.offset).toBe('1');
      break;
    }
    expect(fake.acknowledged).toBe(0);
    const { offsets } = listen();
    await until(() => offsets.length === 3);
    fake.socket?.send(JSON.stringify({ type: 'event', event: fake.events[1] }));
    fake.emit(1);
    await until(() => fake.acknowledged === 4);
    expect(offsets).toEqual(expected(4));
  });

  it('begins where it is told', async () => {
    fake.emit(5);
    const { offsets } = listen({ from: '3' });
    await until(() => offsets.length === 2);
    expect(offsets).toEqual(['4', '5']);
  });

  it('opens a new session after 4401', async () => {
    listen();
    await until(() => fake.connections === 1);
    platform.sessions.clear();
    fake.socket?.close(CLOSE.authentication);
    await until(() => fake.connections === 2);
    expect(platform.count('POST /v1/sessions')).toBe(2);
  });

  it('opens a new session when the upgrade is refused with 401, and gives up when that too is refused', async () => {
    await client.sessions.open();
    platform.sessions.clear();
    const first = listen();
    await until(() => fake.connections === 1);
    first.stream.close();
    await first.done;
    platform.sessions.clear();
    platform.mishap('POST /v1/sessions', { code: 'key_revoked' }, { code: 'key_revoked' }, { code: 'key_revoked' });
    await expect(listen().done).resolves.toMatchObject({ code: 'key_revoked', status: 401 });
  });

  it.each([
    [CLOSE.replaced, 'stream_replaced'],
    [CLOSE.tooMany, 'too_many_streams'],
  ])('stops after close code %i with the error %s', async (code, error) => {
    const { done } = listen();
    await until(() => fake.connections === 1);
    fake.socket?.close(code);
    await expect(done).resolves.toMatchObject({ code: error });
    expect(fake.connections).toBe(1);
  });

  it('comes back at once after a restart', async () => {
    listen({ reconnect: { baseMs: 60_000, maxMs: 60_000 } });
    await until(() => fake.connections === 1);
    fake.socket?.close(CLOSE.restart);
    await until(() => fake.connections === 2);
    expect(notices.find(({ type }) => type === 'disconnected')).toMatchObject({ code: 1012, retryInMs: 0 });
  });

  it('reconnects when the platform has fallen silent for two and a half heartbeats', async () => {
    fake.heartbeatSeconds = 0.02;
    listen();
    await until(() => fake.connections === 2);
    expect(notices.find(({ type }) => type === 'disconnected')).toMatchObject({ code: 1006 });
  });

  it('waits longer each time nobody answers, and recovers when somebody does', async () => {
    const { offsets } = listen();
    await until(() => fake.connections === 1);
    const { origin } = platform;
    await platform.stop();
    await until(() => notices.filter(({ type }) => type === 'disconnected').length >= 3);
    expect(notices.at(-1)).toMatchObject({ error: { code: 'unreachable' } });
    expect(origin).toContain('127.0.0.1');
    expect(offsets).toEqual([]);
    platform = await new FakePlatform().start();
  });

  it('tells of a gap', async () => {
    listen();
    await until(() => fake.connections === 1);
    fake.socket?.send(JSON.stringify({ type: 'gap', from: '7' }));
    await until(() => notices.some(({ type }) => type === 'gap'));
    expect(notices.at(-1)).toEqual({ type: 'gap', from: '7' });
  });

  it('ends quietly when its signal is aborted', async () => {
    const stop = new AbortController();
    const { done } = listen({ signal: stop.signal });
    await until(() => fake.connections === 1);
    stop.abort();
    await expect(done).resolves.toBeUndefined();
  });
});
