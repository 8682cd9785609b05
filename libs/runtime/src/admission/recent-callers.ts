/** So long after its last request a caller still counts as there: longer than a clerk takes for the next packet would make everybody stand back for hours. */
const THERE_MS = 10_000;
/** In which what a request counts for goes down to 1/e. */
const GROWS_OLD_MS = 5000;
/** By then nothing counts of what a caller asked. */
const LONG_GONE_MS = 20 * GROWS_OLD_MS;
/** Who asks more than so many times as much as the next is far ahead: a source that catches up beside one of its size is not. */
const FAR_AHEAD = 2;

interface Count {
  caller: string;
  /** Of its requests, each of which counts less as it grows old. */
  asked: number;
  at: number;
}

const NOBODY: Count = { caller: '', asked: 0, at: -Infinity };
const askedBy = ({ asked, at }: Count, now: number): number => asked * Math.exp((at - now) / GROWS_OLD_MS);

/** Who was there just now, and who asked far the most. */
export class RecentCallers {
  /** The last two, however many there are. */
  private last = NOBODY;
  private before = NOBODY;
  /** The latest last. */
  private readonly counts = new Map<string, Count>();
  /** All grow old alike, so who is ahead stays so until another asks. */
  private busiest = NOBODY;
  private second = NOBODY;

  note(caller: string): void {
    const now = performance.now();
    const count = { caller, asked: askedBy(this.counts.get(caller) ?? NOBODY, now) + 1, at: now };
    this.counts.delete(caller);
    this.counts.set(caller, count);
    this.forget(now);
    if (caller !== this.last.caller) this.before = this.last;
    this.last = count;
    if (caller === this.busiest.caller) this.busiest = count;
    else if (count.asked > askedBy(this.busiest, now)) [this.busiest, this.second] = [count, this.busiest];
    else if (caller === this.second.caller || count.asked > askedBy(this.second, now)) this.second = count;
  }

  othersThan(caller: string): boolean {
    const other = caller === this.last.caller ? this.before : this.last;
    return performance.now() - other.at < THERE_MS;
  }

  isFarAhead(caller: string): boolean {
    if (caller !== this.busiest.caller) return false;
    const now = performance.now();
    return askedBy(this.busiest, now) > FAR_AHEAD * askedBy(this.second, now);
  }

  /** Those that are long gone come first. */
  private forget(now: number): void {
    for (const [caller, { at }] of this.counts) {
      if (now - at < LONG_GONE_MS) return;
      this.counts.delete(caller);
    }
  }
}
