import { setTimeout as sleep } from 'node:timers/promises';
import { CLOSE, LienThongError, type StreamEvent } from '@lienthong/contracts';
import type { Connection } from '../transport/connection';
import { PlatformError } from '../transport/platform-error';
import { jittered } from '../transport/retries';
import { Acknowledger } from './acknowledger';
import { type SocketEnd, StreamSocket } from './stream-socket';

export type StreamNotice =
  | { type: 'connected'; lastOffset: string; resumedFrom: string; heartbeatSeconds: number }
  | { type: 'disconnected'; code: number; retryInMs: number; error?: unknown }
  /** Events before this offset are no longer kept: what they told must be read from the lists. */
  | { type: 'gap'; from: string };

export interface StreamOptions {
  /** Default: after the last acknowledged event. */
  from?: string;
  signal?: AbortSignal;
  onNotice?: (notice: StreamNotice) => void;
  /** Pauses between connections, milliseconds; default 500 to 30,000. */
  reconnect?: { baseMs: number; maxMs: number };
}

/** So often may a fresh session be refused in a row before it is taken for final. */
const REFUSALS_IN_A_ROW = 2;

/**
 * The system's events as they happen (protocol 7), over a WebSocket that is opened again whenever it ends. An event counts as handled, and is
 * acknowledged, when the loop asks for the next one or its handler has returned; what was not handled comes again, in a later run too.
 * Leaving the loop leaves the event in hand unacknowledged. Within one run each event comes once, in order.
 * @throws LienThongError stream_replaced, too_many_streams; PlatformError when the key is refused
 */
export class EventStream implements AsyncIterable<StreamEvent> {
  private readonly waiting: StreamEvent[] = [];
  private readonly acknowledger = new Acknowledger((offset) => this.socket?.acknowledge(offset) ?? false);
  private socket: StreamSocket | undefined;
  private lastReceived: bigint | undefined;
  private greeted = false;
  private ended: { error?: unknown } | undefined;
  private readonly stopped = new AbortController();
  private wake: () => void = () => undefined;

  constructor(
    private readonly connection: Pick<Connection, 'origin' | 'language' | 'tls' | 'signatureFor' | 'refuseSession'>,
    private readonly options: StreamOptions = {},
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent> {
    const { signal } = this.options;
    const stop = (): void => this.close();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) this.close();
    const running = this.stayConnected();
    try {
      for (;;) {
        const event = this.waiting.shift();
        if (event) {
          yield event;
          this.acknowledger.done(event.offset, this.waiting.length > 0);
        } else if (this.ended) {
          if (this.ended.error !== undefined) throw this.ended.error;
          return;
        } else {
          await new Promise<void>((resolve) => (this.wake = resolve));
        }
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      this.close();
      await running;
    }
  }

  /** Gives each event to the handler, one after the other; ends when the stream is closed, throws what the handler throws. */
  async each(handler: (event: StreamEvent) => void | Promise<void>): Promise<void> {
    for await (const event of this) await handler(event);
  }

  /** Ends the stream; what is handled is acknowledged first. Events that were not handed out yet come again next time. */
  close(): void {
    this.acknowledger.flush();
    this.acknowledger.stop();
    this.stopped.abort();
    this.waiting.length = 0;
    this.socket?.close();
    this.end({});
  }

  private async stayConnected(): Promise<void> {
    const { baseMs, maxMs } = this.options.reconnect ?? { baseMs: 500, maxMs: 15_000 };
    let failures = 0;
    let refusals = 0;
    while (!this.ended) {
      this.greeted = false;
      const end = await this.connectOnce();
      if (this.ended) return;
      if (this.greeted) failures = refusals = 0;
      if (end.code === CLOSE.authentication) refusals += 1;
      const fatal = this.fatal(end, refusals);
      if (fatal) return this.end({ error: fatal });
      const atOnce = (end.code === CLOSE.restart || end.code === CLOSE.authentication) && failures === 0;
      failures += 1;
      const asked = end.error instanceof PlatformError ? (end.error.retryAfterSeconds ?? 0) * 1000 : 0;
      const retryInMs = Math.max(asked, atOnce ? 0 : jittered({ baseMs, maxMs }, failures));
      this.options.onNotice?.({ type: 'disconnected', code: end.code, retryInMs, error: end.error });
      await sleep(retryInMs, undefined, { signal: this.stopped.signal }).catch(() => undefined);
    }
  }

  private connectOnce(): Promise<SocketEnd> {
    this.socket = new StreamSocket(this.connection, {
      onHello: ({ heartbeatSeconds, lastOffset, resumedFrom }) => {
        this.greeted = true;
        this.acknowledger.connected(resumedFrom);
        this.options.onNotice?.({ type: 'connected', heartbeatSeconds, lastOffset, resumedFrom });
      },
      onFrame: (frame) => {
        if (frame.type === 'gap') this.options.onNotice?.({ type: 'gap', from: frame.from });
        else if (frame.type === 'event') this.take(frame.event);
      },
    });
    // Without `from` the platform goes on after what it has recorded as acknowledged, and so makes good an acknowledgement that was lost.
    const { from } = this.options;
    return this.socket.live(from === undefined ? undefined : (this.acknowledger.position ?? from));
  }

  /** What waits here from the connection before stays; the platform sends it again, and that copy is passed over. */
  private take(event: StreamEvent): void {
    const offset = BigInt(event.offset);
    this.acknowledger.saw(event.offset);
    if (this.ended || (this.lastReceived !== undefined && offset <= this.lastReceived)) return;
    this.lastReceived = offset;
    this.waiting.push(event);
    this.wake();
  }

  private fatal({ code, error }: SocketEnd, refusals: number): unknown {
    if (code === CLOSE.replaced) return new LienThongError('stream_replaced');
    if (code === CLOSE.tooMany) return new LienThongError('too_many_streams');
    if (code === CLOSE.badFrame) return new LienThongError('malformed_request', { why: 'WebSocket frame' });
    const refused = code === CLOSE.authentication && refusals > REFUSALS_IN_A_ROW;
    return refused ? (error ?? new LienThongError('session_expired')) : undefined;
  }

  private end(end: { error?: unknown }): void {
    this.ended ??= end;
    this.wake();
  }
}
