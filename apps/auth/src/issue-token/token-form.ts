import { readBody } from '@lienthong/runtime';
import type { NextFunction, Request, RequestHandler, Response } from 'express';

const FORM_BYTES = 16_384;
/** An honest form is one packet of the network. */
const FORM_MS = 10_000;

const FORM = /^application\/x-www-form-urlencoded\s*(;|$)/i;

/**
 * The token endpoint takes a form, by RFC 6749 4.4.2; every other route of the platform takes JSON only. Stands before the reader of JSON.
 * @throws LienThongError `request_timeout`, `body_too_large`; the connection is ended
 */
export const tokenFormWithin =
  (timeoutMs: number): RequestHandler =>
  async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    if (req.path !== '/oauth2/token' || !FORM.test(req.headers['content-type'] ?? '')) return next();
    try {
      req.body = new URLSearchParams((await readBody(req, FORM_BYTES, timeoutMs)).toString('utf8'));
    } catch (error) {
      res.set('Connection', 'close');
      throw error;
    }
    next();
  };

export const tokenForm: RequestHandler[] = [tokenFormWithin(FORM_MS)];
