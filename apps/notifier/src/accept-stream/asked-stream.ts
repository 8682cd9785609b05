import { LienThongError } from '@lienthong/contracts';
import type { IncomingMessage } from 'node:http';

export const STREAM_PATH = '/v1/stream';
const OFFSET = /^\d{1,15}$/;
/** 43 characters are 32 bytes; what is longer need not be looked for. */
const TICKET = /^[\w-]{1,100}$/;

export interface AskedStream {
  /** The offset after which events are wanted; the last acknowledged one where null. */
  from: number | null;
  ticket: string | null;
}

/**
 * What an upgrade asks for. The path has one spelling and every name of the query stands once, as on every other route: what the signature covers is what
 * is read.
 * @throws LienThongError not_found, malformed_request
 */
export function askedStream(target: string): AskedStream {
  const cut = target.indexOf('?');
  if ((cut < 0 ? target : target.slice(0, cut)) !== STREAM_PATH) throw new LienThongError('not_found');
  const query = new URLSearchParams(cut < 0 ? '' : target.slice(cut + 1));
  for (const name of query.keys())
    if (!['from', 'ticket'].includes(name) || query.getAll(name).length > 1)
      throw malformed(`query: ${JSON.stringify(name.slice(0, 100))} is unknown, or there twice`);
  const [from, ticket] = [query.get('from'), query.get('ticket')];
  if (from !== null && !OFFSET.test(from)) throw malformed('from is not an offset (decimal digits)');
  // Not 400: what a ticket looks like is not to be learnt here.
  if (ticket !== null && !TICKET.test(ticket))
    throw new LienThongError('access_denied', { what: `GET ${STREAM_PATH} (ticket)` });
  return { from: from === null ? null : Number(from), ticket };
}

const malformed = (why: string) => new LienThongError('malformed_request', { why });

/**
 * Browsers say from which page a WebSocket is opened, and let any page open one: only pages of the platform, and of origins that its operator named, may
 * (RFC 6455 10.2). Programs send no Origin; a browser always does.
 * @param allowed origins such as https://portal.example.vn
 * @throws LienThongError access_denied
 */
export function assertOrigin(
  { headers: { origin } }: Pick<IncomingMessage, 'headers'>,
  allowed: readonly string[],
): void {
  if (origin !== undefined && !allowed.some((one) => one.toLowerCase() === origin.toLowerCase()))
    throw new LienThongError('access_denied', { what: `GET ${STREAM_PATH} (Origin)` });
}
