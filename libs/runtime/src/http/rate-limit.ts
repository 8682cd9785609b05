import { LienThongError } from '@lienthong/contracts';
import type { RequestHandler } from 'express';
import { isIPv6 } from 'node:net';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

const WINDOW_SECONDS = 60;

/**
 * At most `perMinute` requests a minute from one address, counted in this instance: a guard against floods and loops, far above honest use.
 * Every answer carries `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
 */
export function rateLimit(perMinute: number): RequestHandler {
  if (perMinute === 0) return (_req, _res, next) => next();
  const limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS });
  const policy = `"address";q=${perMinute};w=${WINDOW_SECONDS}`;

  return async (req, res, next) => {
    const result = await limiter.consume(clientOf(req.ip ?? '')).catch((refused: unknown) => refused);
    if (!(result instanceof RateLimiterRes)) throw result;
    const seconds = Math.max(1, Math.ceil(result.msBeforeNext / 1000));
    res.set('RateLimit-Policy', policy);
    res.set('RateLimit', `"address";r=${Math.max(0, result.remainingPoints)};t=${seconds}`);
    if (result.consumedPoints > perMinute)
      throw new LienThongError('rate_limited', { limit: perMinute, window: WINDOW_SECONDS, retryAfter: seconds });
    next();
  };
}

/** One customer of IPv6 has a /64 at least (RFC 6177): a limit per address would be no limit. */
export function clientOf(ip: string): string {
  const address = ip.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(address)) return address;
  const [head, tail] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = tail ? Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0') : [];
  return `${[...head, ...zeros, ...(tail ?? [])]
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
