/** Start values of reliability 12. */
const WINDOW_MS = 30_000;
const FAILED_SHARE = 0.2;
const OPEN_MS = 10_000;
/** One failure in a quiet half minute is no fifth of anything. */
const LEAST_FAILURES = 3;
const BUCKET_MS = 1000;

/**
 * Whether a server answers, by what became of the calls to it: open when more than a fifth of the calls of half a minute failed, then for ten seconds, and
 * until a call after these was answered. It holds no call back; who would begin something that needs the server asks it first.
 */
export class Circuit {
  private buckets: { since: number; calls: number; failed: number }[] = [];
  private openUntil?: number;

  /** @param now monotonic, ms */
  constructor(private readonly now: () => number = () => performance.now()) {}

  get isOpen(): boolean {
    return this.openUntil !== undefined;
  }

  /** What became of a call. A refusal is an answer. */
  note(answered: boolean): void {
    const now = this.now();
    if (this.openUntil !== undefined) {
      if (now < this.openUntil) return;
      this.openUntil = answered ? undefined : now + OPEN_MS;
      return;
    }
    const { calls, failed } = this.count(now, answered);
    if (failed < LEAST_FAILURES || failed <= calls * FAILED_SHARE) return;
    this.openUntil = now + OPEN_MS;
    this.buckets = [];
  }

  /** As many buckets as the window has seconds, however many calls there are. */
  private count(now: number, answered: boolean): { calls: number; failed: number } {
    this.buckets = this.buckets.filter(({ since }) => now - since < WINDOW_MS);
    let last = this.buckets.at(-1);
    if (!last || now - last.since >= BUCKET_MS) this.buckets.push((last = { since: now, calls: 0, failed: 0 }));
    last.calls += 1;
    if (!answered) last.failed += 1;
    const sum = (of: 'calls' | 'failed') => this.buckets.reduce((n, bucket) => n + bucket[of], 0);
    return { calls: sum('calls'), failed: sum('failed') };
  }
}
