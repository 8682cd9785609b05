import { LIMITS, LienThongError } from '@lienthong/contracts';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { parseStrictJson } from './strict-json';

declare module 'http' {
  interface IncomingMessage {
    /** The body exactly as it came, for the signature; undefined when there is none. */
    rawBody?: Buffer;
  }
}

/** A body that takes longer is an attack (slow body) or hopeless; uploads to the filesystem storage do not come through here. */
const BODY_MS = 30_000;

/** A little more than allowed is read and dropped, so that the client gets to see the refusal instead of a broken connection. */
const DROPPED_BYTES = 4 * LIMITS.jsonBodyBytes;

/** Reads the body of a JSON route: `req.rawBody` holds its bytes, `req.body` the value. Nothing but JSON is taken, and query names must be unique. */
export function jsonBody({ limit = LIMITS.jsonBodyBytes, timeoutMs = BODY_MS } = {}): RequestHandler {
  return async (req: Request, res: Response, next: NextFunction) => {
    refuseAmbiguousQuery(req);
    // Read already, by the one route that is no JSON by its standard.
    if (req.body !== undefined) return next();
    if (STATING.has(req.method)) req.body = null;
    if (!hasBody(req)) return next();
    try {
      refuseOtherMedia(req);
      req.rawBody = await readBody(req, limit, timeoutMs);
    } catch (error) {
      res.set('Connection', 'close');
      throw error;
    }
    if (req.rawBody.length === 0) req.rawBody = undefined;
    else req.body = parseStrictJson(req.rawBody);
    next();
  };
}

/**
 * They say what is to be by their body (RFC 9110 9.3.4, RFC 5789): without one nothing is said, and a class whose fields may all be left out would be taken for
 * an empty one, which takes away what was set. `{}` says that on purpose; no body is the `null` that validation refuses.
 */
const STATING = new Set(['PUT', 'PATCH']);

const hasBody = (req: Request): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;

function refuseOtherMedia(req: Request): void {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = req.headers;
  const [media, ...parameters] = type.toLowerCase().split(';');
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/.exec(parameter)?.[1])
    .find(Boolean);
  if (media.trim() !== 'application/json' || (charset ?? 'utf-8') !== 'utf-8')
    throw new LienThongError('unsupported_media_type', { actual: type.slice(0, 100) || '-' });
  if (encoding !== 'identity')
    throw new LienThongError('unsupported_media_type', { actual: `Content-Encoding: ${encoding.slice(0, 50)}` });
}

/** Two values under one name would let the signature's reader and the handler pick different ones. */
function refuseAmbiguousQuery(req: Request): void {
  const repeated = Object.entries(req.query).find(([, value]) => Array.isArray(value));
  if (repeated)
    throw new LienThongError('malformed_request', { why: `query: ${JSON.stringify(repeated[0].slice(0, 100))} × 2` });
  // Names that every object has: the check for unknown names does not see them.
  const inborn = Object.keys(req.query).find((name) => name in Object.prototype);
  if (inborn) throw new LienThongError('malformed_request', { why: `query: ${JSON.stringify(inborn)}` });
}

/**
 * Reads a body to its end.
 * @param limit bytes @param timeoutMs for all of it, however it trickles
 * @throws LienThongError `body_too_large`, `request_timeout`, `malformed_request` when the client went away, `overloaded` when a stranger's gave way to others;
 * the connection is then to be closed
 */
export function readBody(req: Request, limit: number, timeoutMs = BODY_MS): Promise<Buffer> {
  const announced = Number(req.headers['content-length'] ?? 0);
  const tooLarge = (actual: number) => new LienThongError('body_too_large', { limit, actual }, { limit, actual });

  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let received = 0;
    const settle = (result: Buffer | LienThongError) => {
      clearTimeout(timer);
      ended?.();
      req.off('data', onData).off('end', onEnd).off('error', onError).pause();
      req.on('error', () => undefined); // a client that goes away later is no news
      if (result instanceof LienThongError) reject(result);
      else resolve(result);
    };
    const onData = (chunk: Buffer) => {
      received += chunk.length;
      if (received <= limit) chunks.push(chunk);
      else chunks.length = 0;
      if (received > limit + DROPPED_BYTES) settle(tooLarge(received));
    };
    const onEnd = () => settle(received > limit ? tooLarge(received) : Buffer.concat(chunks, received));
    const onError = () => settle(new LienThongError('malformed_request', { why: 'aborted' }));
    const timer = setTimeout(
      () => settle(new LienThongError('request_timeout', { seconds: timeoutMs / 1000 })),
      timeoutMs,
    );
    const ended = req.beginBody?.(settle);
    if (announced > limit + DROPPED_BYTES) settle(tooLarge(announced));
    else req.on('data', onData).once('end', onEnd).once('error', onError);
  });
}
