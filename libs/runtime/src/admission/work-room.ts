/** Never less: a platform that is slow for another reason must still go on, and one request alone measures nothing. */
const FEWEST = 24;
const MOST = 512;
const BEGIN = 32;
/** Answers below which a window says nothing. */
const ENOUGH = 5;
/** The quickest of the past is believed a little less with each window: a store that has become slower for good is the new normal within minutes. */
const FORGETTING = 1.01;

/**
 * How many requests of one kind may be under way at a time, found out by what they do (additive increase, multiplicative decrease, as TCP finds the
 * capacity of a path): while nine in ten are answered in time, room is added whenever it was used up; when they are not, three tenths are taken away.
 * In time: within `targetMs`, or within twice what the work takes by itself, whichever is longer.
 */
export class WorkRoom {
  private allowed = BEGIN;
  private current = 0;
  private peak = 0;
  private quickest = Infinity;
  private durations: number[] = [];

  constructor(private readonly targetMs: number) {}

  get limit(): number {
    return this.allowed;
  }

  get underWay(): number {
    return this.current;
  }

  /** @param share the part of the room that this work may fill, 0 to 1 */
  hasRoom(share = 1): boolean {
    return this.current < Math.max(1, this.allowed * share);
  }

  enter(): void {
    this.current += 1;
    this.peak = Math.max(this.peak, this.current);
  }

  /** @param ms how long it took; none when it failed or was refused, which says nothing about capacity */
  leave(ms?: number): void {
    this.current -= 1;
    if (ms !== undefined) this.durations.push(ms);
  }

  /** Called at the end of each window, twice a second. */
  adjust(): void {
    if (this.durations.length < ENOUGH) return;
    const sorted = this.durations.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    const slow = sorted[Math.floor(sorted.length * 0.9)];
    this.quickest = Math.min(this.quickest * FORGETTING, median);
    const inTime = slow <= Math.max(this.targetMs, 2 * this.quickest);
    if (!inTime) this.allowed = Math.max(FEWEST, Math.floor(this.allowed * 0.7));
    else if (this.peak >= this.allowed * 0.8) this.allowed = Math.min(MOST, this.allowed + 2);
    this.durations = [];
    this.peak = this.current;
  }
}
