export const ACK_EVERY_EVENTS = 50;
export const ACK_EVERY_MS = 200;
/** Nothing more is waiting: a short pause, so that a burst that is still arriving makes one acknowledgement. */
const ACK_IDLE_MS = 10;

/**
 * Gathers what is done with, so that not every event costs a frame: after 50 events, after 200 ms, or when nothing more waits. Never
 * acknowledges what the present connection has not sent yet, which would be a bad frame: events of a connection that broke are often
 * handled before the next one has sent them again.
 */
export class Acknowledger {
  private handled: bigint | undefined;
  /** The last offset that this connection sent, and the last that was acknowledged on it. */
  private seen: bigint | undefined;
  private acknowledged: bigint | undefined;
  private waiting = 0;
  private timer: NodeJS.Timeout | undefined;
  private due = Infinity;

  constructor(private readonly send: (offset: string) => boolean) {}

  /** The last offset that its handler finished. */
  get position(): string | undefined {
    return this.handled?.toString();
  }

  /** A new connection, which goes on after this offset. */
  connected(resumedFrom: string): void {
    this.seen = this.acknowledged = BigInt(resumedFrom);
  }

  /** The connection sent this event. When it was handled before, its acknowledgement was lost: it goes again. */
  saw(offset: string): void {
    this.seen = BigInt(offset);
    if (this.handled !== undefined && this.seen <= this.handled) this.within(ACK_IDLE_MS);
  }

  done(offset: string, moreWaiting: boolean): void {
    this.handled = BigInt(offset);
    this.waiting += 1;
    if (this.waiting >= ACK_EVERY_EVENTS) this.flush();
    else this.within(moreWaiting ? ACK_EVERY_MS : ACK_IDLE_MS);
  }

  flush(): void {
    this.stop();
    if (this.handled === undefined || this.seen === undefined || this.acknowledged === undefined) return;
    const reach = this.handled < this.seen ? this.handled : this.seen;
    if (reach <= this.acknowledged || !this.send(reach.toString())) return;
    this.acknowledged = reach;
    this.waiting = 0;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.due = Infinity;
  }

  private within(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.due) return;
    clearTimeout(this.timer);
    this.due = at;
    this.timer = setTimeout(() => this.flush(), ms);
  }
}
