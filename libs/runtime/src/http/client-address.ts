import type { Express, Request } from 'express';
import type { IncomingMessage } from 'node:http';

/**
 * The address of the client of a request that Express did not see (an upgrade), by the same rule as its `req.ip`: `X-Forwarded-For` is believed from
 * the proxies of `TRUST_PROXY` alone.
 */
export function addressOf(app: Express, { socket, headers }: IncomingMessage): string {
  const seen = Object.create(app.request, { socket: { value: socket }, headers: { value: headers } }) as Request;
  return seen.ip ?? '';
}
