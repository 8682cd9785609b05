import type { Request, Response } from 'express';

/** What may be of one line of a caller: worked on at a time, and waiting for that. */
export interface LineLimits {
  atOnce: number;
  waiting: number;
  /** What one that comes may have to wait, ms, by what those before it took; as many as are worked on at a time may wait however long it is. */
  waitMs?: number;
}

/** A caller's requests of one kind, and whether it has to stand back with them at this moment: because others are there, and far back because they feel it. */
export interface Place {
  line: string;
  standsBack: () => boolean;
  standsFarBack: () => boolean;
}

/** Of the mean of what requests of a line take, that of the newest. */
const NEWEST = 1 / 8;

/**
 * How long a place is left empty by a caller that stands back, measured by what its request took, and at most. A slow upload was no work of ours; and a rest that grows
 * with every delay makes of a short queue, on a slow host, one that never ends: at 100 ms a request three a second would be begun of five that come.
 */
const REST = 2;
const MOST_REST_MS = 50;
/** The same of a caller that stands far back: it has a seventeenth of a slot. */
const LONG_REST = 16;
const MOST_LONG_REST_MS = 500;
/**
 * Only whose line has not been empty for so long stands far back: it sends as fast as it is answered, and loses nothing but pace. A source that sends at a pace of
 * its own, however quick, empties its line again and again; with long rests it could not.
 */
const STANDING_MS = 1000;

interface Line {
  running: number;
  waiting: (() => void)[];
  /** Since when somebody has always been waiting. */
  standingSince: number;
  /** What its requests take, ms. */
  meanMs: number;
  /** By which requests of this line named their sender, and proved it. */
  claims: Set<string>;
}

/**
 * Fairness among callers (P19): each has slots of its own, and its further requests wait for them, outside, where they cost nothing but a socket. So the requests
 * of one that sends hundreds at once are worked on in turn with everybody else's, not before them. Who has requests waiting while others want the same stands
 * back: one request at a time, and after it a rest. So it has a part of one slot, and the others hardly feel it; alone it has all its slots.
 * Only who has proven who it is stands in a line: nobody can stand in another's.
 */
export class CallerSlots {
  private readonly lines = new Map<string, Line>();
  private readonly claimed = new Map<string, Line>();
  /** How many places are kept, by claim and address. */
  private readonly reserved = new Map<string, number>();
  private waits = 0;

  /** Requests that wait for others of their caller. */
  get waiting(): number {
    return this.waits;
  }

  /**
   * Keeps a place for a request while it is found out whether what it claims of its sender is true: who asks costs work, and is not asked about more requests than
   * could go on. What others claim from other addresses, and cannot prove, takes none of these places.
   * @returns what gives the place up; undefined when there is none
   */
  reserve(claim: string, address: string, limits: LineLimits): (() => void) | undefined {
    const key = `${claim} ${address}`;
    const reserved = this.reserved.get(key) ?? 0;
    const line = this.claimed.get(claim);
    if (line ? full(line, limits, reserved) : reserved >= limits.atOnce + limits.waiting) return undefined;
    this.reserved.set(key, reserved + 1);
    return () => {
      const left = (this.reserved.get(key) as number) - 1;
      if (left > 0) this.reserved.set(key, left);
      else this.reserved.delete(key);
    };
  }

  /**
   * @param claim what the request said of its sender, and what turned out to be true
   * @returns undefined when too many of the caller's requests wait already: nothing was kept. Else settles when a slot is the request's, which has it until
   * the answer is closed; never when its client is gone by then
   */
  enter(
    { line: name, standsBack, standsFarBack }: Place,
    claim: string,
    res: Pick<Response, 'once'>,
    limits: LineLimits,
  ): Promise<void> | undefined {
    const line = this.lines.get(name) ?? {
      running: 0,
      waiting: [],
      standingSince: Infinity,
      meanMs: 0,
      claims: new Set(),
    };
    if (full(line, limits)) return undefined;
    this.lines.set(name, line);
    this.claimed.set(claim, line);
    line.claims.add(claim);
    return new Promise((resolve) => {
      let began: number | undefined;
      const begin = () => {
        began = performance.now();
        resolve();
      };
      const next = () => this.next(name, line, standsBack() ? 1 : limits.atOnce);
      line.waiting.push(begin);
      this.waits += 1;
      res.once('close', () => {
        if (began === undefined) return this.giveUp(line, begin);
        const tookMs = performance.now() - began;
        line.meanMs += (tookMs - line.meanMs) * (line.meanMs === 0 ? 1 : NEWEST);
        const isLong = this.isStanding(name) && standsFarBack();
        const rest = line.waiting.length > 0 && standsBack() ? restOf(tookMs, isLong) : 0;
        const leave = () => {
          line.running -= 1;
          next();
        };
        if (rest > 0) setTimeout(leave, rest).unref();
        else leave();
      });
      next();
    });
  }

  /** Whether somebody has been waiting in a line all the time: who sends there does so as fast as it is answered. */
  isStanding(name: string): boolean {
    const since = this.lines.get(name)?.standingSince ?? Infinity;
    return performance.now() - since > STANDING_MS;
  }

  private giveUp(line: Line, begin: () => void): void {
    line.waiting.splice(line.waiting.indexOf(begin), 1);
    this.waits -= 1;
    noteStanding(line);
  }

  private next(name: string, line: Line, atOnce: number): void {
    while (line.running < atOnce && line.waiting.length > 0) {
      this.waits -= 1;
      line.running += 1;
      line.waiting.shift()!();
    }
    noteStanding(line);
    if (line.running > 0 || line.waiting.length > 0) return;
    this.lines.delete(name);
    for (const claim of line.claims) this.claimed.delete(claim);
  }
}

function noteStanding(line: Line): void {
  line.standingSince = line.waiting.length > 0 ? Math.min(line.standingSince, performance.now()) : Infinity;
}

const restOf = (tookMs: number, isLong: boolean): number =>
  isLong ? Math.min(tookMs * LONG_REST, MOST_LONG_REST_MS) : Math.min(tookMs * REST, MOST_REST_MS);

function full({ waiting, meanMs }: Line, limits: LineLimits, coming = 0): boolean {
  const ahead = waiting.length + coming;
  if (ahead >= limits.waiting) return true;
  const waitMs = ((ahead + 1) / limits.atOnce) * meanMs;
  return ahead >= limits.atOnce && waitMs > (limits.waitMs ?? Infinity);
}

/**
 * Who a request says has sent it: the key of the signature, or the token. Nothing is proven by that.
 * @returns undefined for what nobody signs
 */
export function claimOf({ headers }: Pick<Request, 'headers'>): string | undefined {
  const input = headers['signature-input'];
  const key = typeof input === 'string' ? /;keyid="([^"]{1,200})"/.exec(input)?.[1] : undefined;
  return key ?? headers.authorization?.slice(-64);
}
