import type { Request, Response } from 'express';

/**
 * Requests of one caller that one process works on at a time. As many as keep a processor busy: a caller that is alone loses nothing by it, and beside others
 * it has no more of the event loop and of the database's connections than these.
 */
const AT_ONCE = 4;
interface Line {
  running: number;
  waiting: (() => void)[];
}

/**
 * Fairness among callers (P19): each has slots of its own, and its further requests wait for them, outside, where they cost nothing but a socket. So the requests
 * of one that sends hundreds at once are worked on in turn with everybody else's, not before them.
 */
export class CallerSlots {
  private readonly lines = new Map<string, Line>();
  private waits = 0;

  /** Requests that wait for others of their caller. */
  get waiting(): number {
    return this.waits;
  }

  /**
   * Calls `go` now, or when a slot of the caller's is free; never when the client is gone by then. The slot is free again when the answer is closed.
   * @param most of its requests that may wait
   * @returns false when too many of its requests wait already: nothing was kept
   */
  enter(caller: string, res: Pick<Response, 'once'>, most: number, go: () => void): boolean {
    const line = this.lines.get(caller) ?? { running: 0, waiting: [] };
    this.lines.set(caller, line);
    if (line.running < AT_ONCE) {
      line.running += 1;
      res.once('close', () => this.leave(caller, line));
      go();
      return true;
    }
    if (line.waiting.length >= most) return false;
    let entered = false;
    const begin = () => {
      entered = true;
      go();
    };
    line.waiting.push(begin);
    this.waits += 1;
    res.once('close', () => {
      if (entered) return this.leave(caller, line);
      line.waiting.splice(line.waiting.indexOf(begin), 1);
      this.waits -= 1;
    });
    return true;
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
    if (line.running === 0) this.lines.delete(caller);
  }
}

/**
 * Who claims to call: the key of the signature, or the token, from one address. Nothing is proven yet, and need not be: who claims to be another
 * stands in line with itself, for the other calls from another address.
 * @returns undefined for what nobody signs
 */
export function claimedCaller({ headers, ip }: Pick<Request, 'headers' | 'ip'>): string | undefined {
  const input = headers['signature-input'];
  const key = typeof input === 'string' ? /;keyid="([^"]{1,200})"/.exec(input)?.[1] : undefined;
  const who = key ?? headers.authorization?.slice(-64);
  return who === undefined ? undefined : `${who} ${ip}`;
}
