import type { RequestHandler } from 'express';
import type { Shutdown } from '../shutdown';

/** Requests under way. Upgraded connections (streams) do not count: they last as long as the process. */
export class InFlight {
  count = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly shutdown: Shutdown) {}

  readonly handler: RequestHandler = (_req, res, next) => {
    this.count++;
    if (this.shutdown.draining) res.set('Connection', 'close');
    res.once('close', () => {
      this.count--;
      if (this.count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    });
    next();
  };

  /** Resolves when no request is under way. */
  none(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}
