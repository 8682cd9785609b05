export const ACK_EVERY_EVENTS = 50;
export const ACK_EVERY_MS = 200;
/** Nothing more is waiting: a short pause, so that a burst that is still arriving makes one acknowledgement. */
const ACK_IDLE_MS = 10;

/** Gathers what is done with, so that not every event costs a frame: after 50 events, after 200 ms, or when nothing more waits. */
export class Acknowledger {
  /** The last offset that its handler finished. */
  handled: string | undefined;
  private sent: string | undefined;
  private waiting = 0;
  private timer: NodeJS.Timeout | undefined;
  private due = Infinity;

  constructor(private readonly send: (offset: string) => boolean) {}

  done(offset: string, moreWaiting: boolean): void {
    this.handled = offset;
    this.waiting += 1;
    if (this.waiting >= ACK_EVERY_EVENTS) this.flush();
    else this.within(moreWaiting ? ACK_EVERY_MS : ACK_IDLE_MS);
  }

  /** On a new connection: the acknowledgement before may not have arrived. */
  again(): void {
    this.sent = undefined;
    this.flush();
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.due = Infinity;
    if (this.handled === undefined || this.handled === this.sent) return;
    if (!this.send(this.handled)) return;
    this.sent = this.handled;
    this.waiting = 0;
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private within(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.due) return;
    clearTimeout(this.timer);
    this.due = at;
    this.timer = setTimeout(() => this.flush(), ms);
  }
}
