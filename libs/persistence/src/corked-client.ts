import { Client } from 'pg';

/**
 * What is asked in one turn of the event loop goes to the server in one write: BEGIN with the first statement, the last one with COMMIT. Each write is a call of the
 * system here and a reader that is woken there, a tenth of what a connector does.
 */
export class CorkedClient extends Client {
  // Bound once, with all of pg's overloads: they differ only in what they return.
  override query = ((...asked: Parameters<Client['query']>) => {
    const { stream } = this.connection;
    if (stream.writableCorked === 0) {
      stream.cork();
      process.nextTick(() => stream.uncork());
    }
    return super.query(...asked);
  }) as Client['query'];
}
