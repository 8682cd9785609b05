import type { EventPage, StreamEvent } from '@lienthong/contracts';
import type { Connection } from '../transport/connection';
import { isAbort } from '../transport/unreachable-error';

export interface EventQuery {
  /** Events after this offset; everything up to it is thereby acknowledged. */
  after?: string;
  limit?: number;
  /** How long to wait for an event when there is none, 0–25. */
  waitSeconds?: number;
}

export interface StreamTicket {
  /** Single use, good for 30 s: for browsers, which cannot sign the upgrade request. */
  url: string;
}

/** The system's event stream, read page by page (protocol 7). */
export class EventCalls {
  constructor(private readonly connection: Pick<Connection, 'call'>) {}

  poll(query: EventQuery = {}, signal?: AbortSignal): Promise<EventPage> {
    return this.connection.call({ method: 'GET', path: '/v1/events', query: { ...query }, signal });
  }

  /** Follows the stream by long polling, where WebSocket is impossible; ends when the signal says so. A page is acknowledged when the loop asks for what follows it. */
  async *follow({ signal, ...query }: EventQuery & { signal?: AbortSignal } = {}): AsyncGenerator<StreamEvent> {
    let { after } = query;
    for (;;) {
      const page = await this.poll({ waitSeconds: 25, ...query, after }, signal).catch((error: unknown) => {
        if (signal?.aborted && isAbort(error)) return undefined;
        throw error;
      });
      if (!page) return;
      yield* page.items;
      after = page.items.at(-1)?.offset ?? after;
    }
  }

  /** A single-use address of the stream, for browsers. */
  ticket(): Promise<StreamTicket> {
    return this.connection.call({ method: 'POST', path: '/v1/stream-tickets', repeatable: true });
  }
}
