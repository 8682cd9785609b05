import { LienThongError } from '@lienthong/contracts';
import type { RequestHandler } from 'express';

/**
 * One segment: the unreserved characters and marks of RFC 3986, and percent-encoding only of what must be encoded, in capital hex, but never of a
 * separator, a dot, a percent sign or a control character.
 */
const SEGMENT = /^(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%(?:2[023]|3[CE]|5[BDE]|60|7[BCD]|[89A-F][0-9A-F]))+$/;

/**
 * A path has one spelling. Signature and router both see the raw bytes, but a proxy, a cache, a log or a rule in front may read `/a/../b`, `//`, `%2e`, `%2F`,
 * `;x` or `/b.` as another path than we do (RFC 9421 7.5.5, ASVS 1.5.3): such a request is refused before anybody reads it.
 */
export const plainTarget: RequestHandler = (req, _res, next) => {
  const [path] = req.originalUrl.split('?', 1);
  if (path.length > 2048 || !isPlain(path)) throw new LienThongError('malformed_request', { why: WHY });
  next();
};

const WHY =
  'path: /…/… with each segment spelt plainly, without empty segments, dot segments, ";" or "\\", and nothing percent-encoded that need not be';

export function isPlain(path: string): boolean {
  if (!path.startsWith('/')) return false;
  if (path === '/') return true;
  const segments = path.slice(1).replace(/\/$/, '').split('/');
  return segments.every((segment) => SEGMENT.test(segment) && !segment.endsWith('.') && isUtf8(segment));
}

function isUtf8(segment: string): boolean {
  try {
    decodeURIComponent(segment);
    return true;
  } catch {
    return false;
  }
}
