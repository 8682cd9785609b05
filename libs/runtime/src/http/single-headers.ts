import { LienThongError } from '@lienthong/contracts';
import type { RequestHandler } from 'express';

/** Node keeps the first of them and a proxy perhaps the last. Those of the signature are looked at by its reader, lengths by the parser. */
const SINGLE = new Set(['host', 'content-type', 'content-encoding', 'authorization', 'idempotency-key']);

/** Honest requests have some twenty. Node keeps 2000 and drops the others, so that a proxy and we would read two requests. */
const MOST = 100;

/** Refuses a request of very many headers, and one in which a header stands twice that means one thing (RFC 9110 5.3, RFC 9112 3.2). */
export const singleHeaders: RequestHandler = (req, _res, next) => {
  if (req.rawHeaders.length > 2 * MOST) throw new LienThongError('malformed_request', { why: `headers > ${MOST}` });
  const seen = new Set<string>();
  for (let at = 0; at < req.rawHeaders.length; at += 2) {
    const name = req.rawHeaders[at].toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (seen.has(name)) throw new LienThongError('malformed_request', { why: `${name} × 2` });
    seen.add(name);
  }
  next();
};
