import type { Request, Response } from 'express';

/** What may be of one line of a caller: worked on at a time, and waiting for that. */
export interface LineLimits {
  atOnce: number;
  waiting: number;
}

interface Line {
  running: number;
  waiting: (() => void)[];
  /** By which requests of this line named their sender, and proved it. */
  claims: Set<string>;
}

/**
 * Fairness among callers (P19): each has slots of its own, and its further requests wait for them, outside, where they cost nothing but a socket. So the requests
 * of one that sends hundreds at once are worked on in turn with everybody else's, not before them. Only who has proven who it is stands in a line: nobody can
 * stand in another's.
 */
export class CallerSlots {
  private readonly lines = new Map<string, Line>();
  private readonly claimed = new Map<string, Line>();
  private waits = 0;

  /** Requests that wait for others of their caller. */
  get waiting(): number {
    return this.waits;
  }

  /** Whether this claim was proven by a request of a line that is full: another that makes it has no place, whoever sent it. */
  isFull(claim: string, limits: LineLimits): boolean {
    const line = this.claimed.get(claim);
    return line !== undefined && full(line, limits);
  }

  /**
   * @param claim what the request said of its sender, and what turned out to be true
   * @returns undefined when too many of the caller's requests wait already: nothing was kept. Else settles when a slot is the request's, which has it until
   * the answer is closed; never when its client is gone by then
   */
  enter(caller: string, claim: string, res: Pick<Response, 'once'>, limits: LineLimits): Promise<void> | undefined {
    const line = this.lines.get(caller) ?? { running: 0, waiting: [], claims: new Set() };
    if (full(line, limits)) return undefined;
    this.lines.set(caller, line);
    this.claimed.set(claim, line);
    line.claims.add(claim);
    if (line.running < limits.atOnce) {
      line.running += 1;
      res.once('close', () => this.leave(caller, line));
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      let entered = false;
      const begin = () => {
        entered = true;
        resolve();
      };
      line.waiting.push(begin);
      this.waits += 1;
      res.once('close', () => {
        if (entered) return this.leave(caller, line);
        line.waiting.splice(line.waiting.indexOf(begin), 1);
        this.waits -= 1;
      });
    });
  }

  private leave(caller: string, line: Line): void {
    const next = line.waiting.shift();
    if (next) {
      this.waits -= 1;
      // Its place is the one that was left.
      next();
      return;
    }
    line.running -= 1;
    if (line.running > 0) return;
    this.lines.delete(caller);
    for (const claim of line.claims) this.claimed.delete(claim);
  }
}

const full = ({ running, waiting }: Line, limits: LineLimits): boolean =>
  running >= limits.atOnce && waiting.length >= limits.waiting;

/**
 * Who a request says has sent it: the key of the signature, or the token. Nothing is proven by that.
 * @returns undefined for what nobody signs
 */
export function claimOf({ headers }: Pick<Request, 'headers'>): string | undefined {
  const input = headers['signature-input'];
  const key = typeof input === 'string' ? /;keyid="([^"]{1,200})"/.exec(input)?.[1] : undefined;
  return key ?? headers.authorization?.slice(-64);
}
