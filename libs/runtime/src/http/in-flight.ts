import type { RequestHandler, Response } from 'express';

/** Requests under way. Upgraded connections (streams) do not count: they last as long as the process. */
export class InFlight {
  readonly #answers = new Set<Response>();
  #drained: (() => void) | undefined;

  get count(): number {
    return this.#answers.size;
  }

  readonly handler: RequestHandler = (_req, res, next) => {
    this.#answers.add(res);
    if (this.#drained) lastOfItsConnection(res);
    res.once('close', () => {
      this.#answers.delete(res);
      if (this.count === 0) this.#drained?.();
    });
    next();
  };

  /** Resolves when no request is under way; clients are told not to send another on the same connection. */
  drain(): Promise<void> {
    for (const res of this.#answers) lastOfItsConnection(res);
    return new Promise((resolve) => {
      this.#drained = resolve;
      if (this.count === 0) resolve();
    });
  }
}

function lastOfItsConnection(res: Response): void {
  if (!res.headersSent) res.set('Connection', 'close');
}
