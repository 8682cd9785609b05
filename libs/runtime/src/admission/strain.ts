/** Of the mean of what requests take, that of the newest. */
const NEWEST = 1 / 16;
/** What one counts for at most, by the mean: a slow upload was no work of the platform. */
const OUTLIER = 4;
/** Below, the mean is too much of the first few to be believed. */
const ENOUGH = 16;
/** The quickest is that of the last one to two of these: a host or a store that has become slower is the new normal after that. */
const WINDOW_MS = 60_000;
/**
 * At the beginning of each, work in the background is held so long, whatever it does: what requests take at ease is not to be learned beside work that was there
 * before them (the latecomer's advantage of RFC 6817; a slowdown at intervals is what LEDBAT++ has against it).
 */
const AT_EASE_MS = 5000;
/** After a pause so long, what was before it says nothing. */
const PAUSE_MS = 2 * WINDOW_MS;
/** Less cannot be told from noise: by that alone the mean of 16 goes up to a fifth over the least of the last minutes. */
const STRAINED = 1.2;

/**
 * Whether requests take longer than they do when the platform is at ease: by the delay that work in the background causes it finds out that it is too much
 * (as LEDBAT finds it out of a path, RFC 6817). It sees what no counter of this process shows: that others wait for the same processors, database and store.
 */
export class Strain {
  private noted = 0;
  private meanMs = 0;
  private least = Infinity;
  private leastBefore = Infinity;
  private windowBegan = -Infinity;
  private last = -Infinity;

  /** @param ms what a request took that was answered with success, of one whom the work in the background is to leave alone */
  note(ms: number): void {
    const now = performance.now();
    if (now - this.last > PAUSE_MS) this.begin(now);
    this.last = now;
    this.noted += 1;
    this.meanMs = this.noted === 1 ? ms : this.meanMs + (Math.min(ms, this.meanMs * OUTLIER) - this.meanMs) * NEWEST;
    if (this.noted < ENOUGH) return;
    if (now - this.windowBegan > WINDOW_MS) {
      this.leastBefore = this.least;
      this.least = Infinity;
      this.windowBegan = now;
    }
    this.least = Math.min(this.least, this.meanMs);
  }

  private begin(now: number): void {
    this.noted = 0;
    this.least = Infinity;
    this.leastBefore = Infinity;
    this.windowBegan = now;
  }

  /** What requests take now, by what they take at ease: 1 while nothing is known. */
  get ratio(): number {
    const least = Math.min(this.least, this.leastBefore);
    return least === Infinity ? 1 : this.meanMs / least;
  }

  /** Whether work in the background has to be held. */
  get isFelt(): boolean {
    return this.ratio > STRAINED || performance.now() - this.windowBegan < AT_EASE_MS;
  }
}
