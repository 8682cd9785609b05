/** In which what a request counts for goes down to 1/e. */
const GROWS_OLD_MS = 5000;
/** By then nothing counts of what a caller asked. */
const LONG_GONE_MS = 20 * GROWS_OLD_MS;
/** Who asks more than so many times as much as the next is far ahead: a source that catches up beside one of its size is not. */
const FAR_AHEAD = 1.5;

interface Share {
  caller: string;
  /** Of its requests, each of which counts less as it grows old. */
  asked: number;
  at: number;
}

const NOBODY: Share = { caller: '', asked: 0, at: -Infinity };
const askedBy = ({ asked, at }: Share, now: number): number => asked * Math.exp((at - now) / GROWS_OLD_MS);

/** How much of the work each caller asks for, and who asks for far the most. */
export class Shares {
  /** The latest last. */
  private readonly shares = new Map<string, Share>();
  /** All grow old alike, so who is ahead stays so until another asks. */
  private busiest = NOBODY;
  private second = NOBODY;

  note(caller: string): void {
    const now = performance.now();
    const share = { caller, asked: askedBy(this.shares.get(caller) ?? NOBODY, now) + 1, at: now };
    this.shares.delete(caller);
    this.shares.set(caller, share);
    this.forget(now);
    if (caller === this.busiest.caller) this.busiest = share;
    else if (share.asked > askedBy(this.busiest, now)) [this.busiest, this.second] = [share, this.busiest];
    else if (caller === this.second.caller || share.asked > askedBy(this.second, now)) this.second = share;
  }

  isFarAhead(caller: string): boolean {
    if (caller !== this.busiest.caller) return false;
    const now = performance.now();
    return askedBy(this.busiest, now) > FAR_AHEAD * askedBy(this.second, now);
  }

  /** Those that are long gone come first. */
  private forget(now: number): void {
    for (const [caller, { at }] of this.shares) {
      if (now - at < LONG_GONE_MS) return;
      this.shares.delete(caller);
    }
  }
}
