/** Tells whoever waits inside a request or holds a connection open that the process is about to end. */
export class Shutdown {
  readonly #controller = new AbortController();

  /** Aborted when draining begins: long polls answer early, streams say goodbye, timers stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get draining(): boolean {
    return this.signal.aborted;
  }

  begin(): void {
    this.#controller.abort();
  }
}
