import { EventEmitter } from 'node:events';
import { CLOSE, LIMITS, type StreamEvent } from '@lienthong/contracts';
import type { WebSocket } from 'ws';
import { Stream, STREAM_TIMES } from './stream';

class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  sent: { type: string; event: StreamEvent }[] = [];
  closed?: number;
  terminated = false;
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close(code: number) {
    this.closed = code;
    this.readyState = 2;
  }
  terminate() {
    this.terminated = true;
    this.readyState = 3;
  }
  say(frame: unknown) {
    this.emit('message', Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false);
  }
}

function open(total: number, from = 0) {
  const socket = new FakeSocket();
  const acknowledged: number[] = [];
  const state = { total };
  const source = {
    after: async (after: number, limit: number) =>
      Array.from({ length: Math.min(limit, state.total - after) }, (_, n) => ({
        offset: String(after + n + 1),
      })) as StreamEvent[],
    acknowledge: async (offset: number) => void acknowledged.push(offset),
  };
  const stream = new Stream(socket as unknown as WebSocket, source, from);
  return { socket, stream, acknowledged, state };
}

const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};
const offsets = (socket: FakeSocket) => socket.sent.map(({ event }) => Number(event.offset));

describe('stream', () => {
  it('sends at most a window of unacknowledged events, and goes on with each acknowledgement', async () => {
    const { socket, stream, acknowledged } = open(250);
    stream.wake();
    await settle();
    expect(offsets(socket)).toEqual(Array.from({ length: LIMITS.eventsInFlight }, (_, n) => n + 1));
    socket.say({ type: 'ack', offset: '60' });
    await settle();
    expect(offsets(socket)).toHaveLength(LIMITS.eventsInFlight + 60);
    socket.say({ type: 'ack', offset: '160' });
    await settle();
    expect(offsets(socket)).toEqual(Array.from({ length: 250 }, (_, n) => n + 1));
    expect(acknowledged).toEqual([60, 160]);
  });

  it('loses no wake-up that comes while it reads', async () => {
    const { socket, stream, state } = open(1);
    stream.wake();
    state.total = 3;
    stream.wake();
    await settle();
    expect(offsets(socket)).toEqual([1, 2, 3]);
  });

  it.each([
    ['rubbish', 'rubbish'],
    ['another type', { type: 'subscribe' }],
    ['an unknown field', { type: 'ack', offset: '1', more: 1 }],
    ['an offset that is no string', { type: 'ack', offset: 1 }],
    ['an offset that was never sent', { type: 'ack', offset: '4' }],
  ])('closes with 4400 on %s', async (_name, frame) => {
    const { socket, stream, acknowledged } = open(3);
    stream.wake();
    await settle();
    socket.say(frame);
    await settle();
    expect(socket.closed).toBe(CLOSE.badFrame);
    expect(acknowledged).toEqual([]);
  });

  it('closes with 4400 on a flood of frames', async () => {
    const { socket, stream } = open(1);
    stream.wake();
    await settle();
    for (let n = 0; n < 2001; n++) socket.say({ type: 'ack', offset: '0' });
    expect(socket.closed).toBe(CLOSE.badFrame);
  });

  it('closes with 4400 on a flood of pings, and does not wait for the answer to that', async () => {
    jest.useFakeTimers();
    const { socket } = open(1);
    for (let n = 0; n < 2001; n++) socket.emit('ping', Buffer.alloc(125));
    expect(socket.closed).toBe(CLOSE.badFrame);
    jest.advanceTimersByTime(STREAM_TIMES.retryMs);
    expect(socket.terminated).toBe(true);
    jest.useRealTimers();
  });

  it('closes with 4408 when a full window stays unacknowledged, not before', async () => {
    const { socket, stream } = open(LIMITS.eventsInFlight + 1);
    stream.wake();
    await settle();
    stream.check(performance.now() + STREAM_TIMES.unacknowledgedMs - 1000);
    expect(socket.closed).toBeUndefined();
    stream.check(performance.now() + STREAM_TIMES.unacknowledgedMs + 1000);
    expect(socket.closed).toBe(CLOSE.nothingAcknowledged);
  });

  it('stops sending to a reader that does not read, and cuts it off after a while', async () => {
    const { socket, stream, state } = open(1);
    stream.wake();
    await settle();
    socket.bufferedAmount = STREAM_TIMES.bufferedBytes + 1;
    state.total = 50;
    stream.wake();
    await settle();
    expect(offsets(socket)).toEqual([1]);
    const now = performance.now();
    stream.check(now);
    stream.check(now + STREAM_TIMES.stalledMs + 1);
    expect(socket.terminated).toBe(true);
  });

  it('stops in the middle of a batch when a reader has more than enough waiting, and goes on from there once it has read', async () => {
    const { socket, stream } = open(60);
    socket.send = (text: string) => {
      socket.sent.push(JSON.parse(text));
      socket.bufferedAmount += STREAM_TIMES.bufferedBytes / 10;
    };
    stream.wake();
    await settle();
    expect(offsets(socket)).toEqual(Array.from({ length: 11 }, (_, n) => n + 1));
    expect(stream.position).toBe(11);
    socket.bufferedAmount = 0;
    stream.check(performance.now());
    await settle();
    expect(offsets(socket)).toEqual(Array.from({ length: 22 }, (_, n) => n + 1));
  });

  it('does not look for events because it is asked whether its reader reads, nor because of an acknowledgement with room left', async () => {
    const { socket, stream, state } = open(3);
    stream.wake();
    await settle();
    state.total = 4;
    stream.check(performance.now());
    socket.say({ type: 'ack', offset: '3' });
    await settle();
    expect(offsets(socket)).toEqual([1, 2, 3]);
    stream.wake();
    await settle();
    expect(offsets(socket)).toEqual([1, 2, 3, 4]);
  });

  it('records an acknowledgement of the offset that it resumed from, which the former connection may have lost', async () => {
    const { socket, stream, acknowledged } = open(10, 5);
    socket.say({ type: 'ack', offset: '5' });
    socket.say({ type: 'ack', offset: '5' });
    await stream.settled();
    expect(acknowledged).toEqual([5]);
  });

  it('writes the newest acknowledgement when several come while one is written', async () => {
    const { socket, stream, acknowledged } = open(10);
    stream.wake();
    await settle();
    for (const offset of ['1', '2', '3', '9']) socket.say({ type: 'ack', offset });
    await stream.settled();
    expect(acknowledged).toEqual([1, 9]);
  });
});
