import type { Transactions } from '../transactions';

/** How old a look may be before the next: so late a step of the database's own clock is followed. */
const BELIEVED_MS = 10_000;
/** An answer that took longer says too little of what the time is now. */
const PROMPT_MS = 1000;

/**
 * The database's time, carried on between looks by a clock that no step moves: what the processes of a platform agree on, however wrong the wall
 * clock of one of them is. By that one alone, a step back would open the window of signatures again whose nonces are long forgotten.
 */
export class DatabaseClock {
  private known?: { at: number; readAt: number };
  private askedAt = -Infinity;

  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** @returns milliseconds since 1970; by this process's own clock as long as the database could not be asked */
  now(): number {
    const present = performance.now();
    if (present - this.askedAt > BELIEVED_MS) void this.look();
    return this.known ? this.known.at + present - this.known.readAt : Date.now();
  }

  /** @returns by how many milliseconds the clock of this process is ahead of the database's, negative where it is behind; 0 as long as that is not known */
  aheadMs(): number {
    const present = this.now();
    return this.known ? Date.now() - present : 0;
  }

  /** Asks the database; where it does not answer, what is known goes on. */
  async look(): Promise<void> {
    const askedAt = performance.now();
    this.askedAt = askedAt;
    const [row] = await this.transactions
      .query<{ at: Date }>('SELECT clock_timestamp() AS at')
      .catch((): { at: Date }[] => []);
    const readAt = performance.now();
    if (row && (!this.known || readAt - askedAt < PROMPT_MS)) this.known = { at: row.at.getTime(), readAt };
  }
}
