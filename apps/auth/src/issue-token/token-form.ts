import type { NextFunction, Request, RequestHandler, Response } from 'express';

const FORM_BYTES = 16_384;

/** The token endpoint takes a form, by RFC 6749 4.4.2; every other route of the platform takes JSON only. Stands before the reader of JSON. */
export const tokenForm: RequestHandler[] = [
  async (req: Request, _res: Response, next: NextFunction): Promise<void> => {
    const form = /^application\/x-www-form-urlencoded\b/i.test(req.headers['content-type'] ?? '');
    if (req.path !== '/oauth2/token' || req.method !== 'POST' || !form) return next();
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of req as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes <= FORM_BYTES) chunks.push(chunk);
      else chunks.length = 0;
    }
    // Too long a form is an empty one: it names no grant type.
    req.body = new URLSearchParams(bytes > FORM_BYTES ? '' : Buffer.concat(chunks).toString('utf8'));
    next();
  },
];
