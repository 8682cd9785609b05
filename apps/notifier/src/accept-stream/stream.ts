import { type ClientFrame, CLOSE, LIMITS, type ServerFrame, type StreamEvent } from '@lienthong/contracts';
import type { WebSocket } from 'ws';

/** What a stream needs of the events of its system. */
export interface StreamSource {
  after(after: number, limit: number): Promise<StreamEvent[]>;
  acknowledge(offset: number): Promise<void>;
}

export interface StreamTimes {
  /** A full window with nothing acknowledged for this long ends the stream (protocol 7). */
  unacknowledgedMs: number;
  /** Bytes waiting in this process for a reader that does not read. */
  bufferedBytes: number;
  /** A reader that has not taken what was sent to it for this long is cut off. */
  stalledMs: number;
  /** After an error of the database. */
  retryMs: number;
}

export const STREAM_TIMES: StreamTimes = {
  unacknowledgedMs: 60_000,
  bufferedBytes: 256 * 1024,
  stalledMs: 30_000,
  retryMs: 1000,
};

const OFFSET = /^\d{1,15}$/;
/** A client has nothing to say but acknowledgements: more frames than this in ten seconds are a flood. */
const FRAMES_IN_TEN_SECONDS = 2000;

/**
 * One open stream: sends events in order, at most `LIMITS.eventsInFlight` unacknowledged ones at a time, as fast as the reader reads.
 * It knows only its own position; a wake-up that is lost is made good by the next one.
 */
export class Stream {
  private acked: number;
  private sent: number;
  private pumping = false;
  private again = false;
  /** Stopped for a reader that does not read: goes on when it has. */
  private held = false;
  private lastProgress = performance.now();
  private stalledSince?: number;
  private ackWanted = 0;
  private acking?: Promise<void>;
  private frames = 0;
  private framesSince = performance.now();

  constructor(
    private readonly socket: WebSocket,
    private readonly source: StreamSource,
    from: number,
    private readonly times: StreamTimes = STREAM_TIMES,
  ) {
    this.acked = this.sent = from;
    socket.on('message', (data, binary) => this.receive(binary ? null : String(data as Buffer)));
    // Each ping is answered by the library, and the answers wait here for who does not read them.
    socket.on('ping', () => this.isFlood() && this.end('too many pings'));
  }

  /** The last offset that was sent; what the system has beyond it is still to be read. */
  get position(): number {
    return this.sent;
  }

  /** There may be new events. */
  wake(): void {
    if (this.pumping) {
      this.again = true;
      return;
    }
    this.pumping = true;
    this.pump()
      .catch(() => setTimeout(() => this.wake(), this.times.retryMs).unref())
      .finally(() => {
        this.pumping = false;
        if (this.again && this.isOpen()) {
          this.again = false;
          this.wake();
        }
      });
  }

  /** Called every second: ends streams whose reader does not acknowledge or does not read. */
  check(now: number): void {
    const full = this.sent - this.acked >= LIMITS.eventsInFlight;
    if (full && now - this.lastProgress > this.times.unacknowledgedMs)
      this.socket.close(CLOSE.nothingAcknowledged, 'nothing acknowledged');
    const stalled = this.socket.bufferedAmount > 0;
    this.stalledSince = stalled ? (this.stalledSince ?? now) : undefined;
    if (this.stalledSince !== undefined && now - this.stalledSince > this.times.stalledMs) this.socket.terminate();
    else if (!stalled && this.held) this.wake();
  }

  /** Resolves when the last acknowledgement is recorded. */
  async settled(): Promise<void> {
    await this.acking;
  }

  private async pump(): Promise<void> {
    for (;;) {
      const room = LIMITS.eventsInFlight - (this.sent - this.acked);
      if (!this.isOpen() || room <= 0 || this.isHeld()) return;
      const events = await this.source.after(this.sent, room);
      if (events.length === 0 || !this.isOpen()) return;
      if (this.sent === this.acked) this.lastProgress = performance.now();
      for (const event of events) {
        // Looked at for each: a batch of large events alone may be more than what may wait.
        if (this.isHeld()) return;
        this.say({ type: 'event', event });
        this.sent = Number(event.offset);
      }
      if (events.length < room) return;
    }
  }

  private isHeld(): boolean {
    this.held = this.socket.bufferedAmount > this.times.bufferedBytes;
    return this.held;
  }

  say(frame: ServerFrame): void {
    this.socket.send(JSON.stringify(frame));
  }

  private isFlood(now = performance.now()): boolean {
    if (now - this.framesSince > 10_000) {
      this.framesSince = now;
      this.frames = 0;
    }
    return ++this.frames > FRAMES_IN_TEN_SECONDS;
  }

  /** Who floods does not read the reason either, and is not waited for. */
  private end(why: string): void {
    if (!this.isOpen()) return;
    this.socket.close(CLOSE.badFrame, why);
    setTimeout(() => this.socket.terminate(), this.times.retryMs).unref();
  }

  private receive(text: string | null): void {
    const now = performance.now();
    if (!this.isOpen()) return;
    const offset = text === null ? undefined : offsetOf(text);
    if (this.isFlood(now) || offset === undefined || offset > this.sent) return this.end('bad frame');
    // Equal to where the stream began counts: it may repeat an acknowledgement that was lost with the former connection.
    if (offset < this.acked || offset <= this.ackWanted) return;
    const wasFull = this.sent - this.acked >= LIMITS.eventsInFlight;
    this.acked = offset;
    this.lastProgress = now;
    this.ackWanted = offset;
    this.acking ??= this.record().finally(() => (this.acking = undefined));
    // With room left everything there was has been sent, and new events wake by themselves.
    if (wasFull) this.wake();
  }

  /** Writes the newest acknowledgement; those that come while it is written go together with the next. */
  private async record(): Promise<void> {
    for (let written = 0; written < this.ackWanted;) {
      const wanted = this.ackWanted;
      try {
        await this.source.acknowledge(wanted);
        written = wanted;
      } catch {
        if (!this.isOpen()) return;
        await new Promise((resolve) => setTimeout(resolve, this.times.retryMs));
      }
    }
  }

  private isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }
}

function offsetOf(text: string): number | undefined {
  try {
    const frame = JSON.parse(text) as Partial<ClientFrame>;
    const known = Object.keys(frame).every((key) => key === 'type' || key === 'offset');
    return known && frame.type === 'ack' && typeof frame.offset === 'string' && OFFSET.test(frame.offset)
      ? Number(frame.offset)
      : undefined;
  } catch {
    return undefined;
  }
}
