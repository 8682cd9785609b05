import { ERRORS, LienThongError } from '@lienthong/contracts';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { Request, RequestHandler, Response } from 'express';
import { isIPv6 } from 'node:net';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

const WINDOW_SECONDS = 60;

/** Routes that nobody signs may be called so many times less. */
const RARER = 100;

/** A request that did not prove who sent it counts this often against its address: guessing, or a program that will not work until it is mended. */
const UNPROVEN = 10;

/** Failed proofs a minute (a wrong secret, a wrong assertion) after which an address, or a key, is not listened to until the minute is over. */
const FAILURES = { address: 30, key: 10 };

/** Who is counted at most in a window: a flood from more addresses than this must not fill the memory; those beyond are not counted. */
const COUNTED = 50_000;

/** A number of requests a minute for each of many, counted in this process alone, in memory that does not grow with their number. */
class PerMinute {
  private readonly limiter: RateLimiterMemory;
  private readonly counted = new Set<string>();
  private since = 0;

  constructor(
    private readonly name: 'address' | 'key' | 'rare' | 'failures',
    private readonly points: number,
  ) {
    this.limiter = new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
  }

  /** Counts a request and says on its answer what is left. @throws LienThongError rate_limited */
  async count(who: string, res?: Response): Promise<void> {
    if (this.points === 0 || !this.isCounted(who)) return;
    const result: unknown = await this.limiter.consume(who).catch((refused: unknown) => refused);
    if (!(result instanceof RateLimiterRes)) throw result;
    const retryAfter = this.tell(result, res);
    if (result.consumedPoints > this.points) throw this.refusal(retryAfter);
  }

  /** Counts nothing. @throws LienThongError rate_limited when nothing is left */
  async assertLeft(who: string, res: Response): Promise<void> {
    const result = this.points === 0 ? null : await this.limiter.get(who);
    if (result && result.consumedPoints >= this.points) throw this.refusal(this.tell(result, res));
  }

  async has(who: string): Promise<boolean> {
    return this.points > 0 && (await this.limiter.get(who)) !== null;
  }

  /** Counts a request that was counted once already as many times more. */
  async countMore(who: string, points: number): Promise<void> {
    if (this.points > 0 && this.isCounted(who)) await this.limiter.penalty(who, points);
  }

  /** @returns seconds to wait */
  private tell(result: RateLimiterRes, res?: Response): number {
    const seconds = Math.max(1, Math.ceil(result.msBeforeNext / 1000));
    res?.append('RateLimit-Policy', `"${this.name}";q=${this.points};w=${WINDOW_SECONDS}`);
    res?.append('RateLimit', `"${this.name}";r=${Math.max(0, result.remainingPoints)};t=${seconds}`);
    return seconds;
  }

  private refusal(retryAfter: number): LienThongError {
    return new LienThongError('rate_limited', { limit: this.points, window: WINDOW_SECONDS, retryAfter });
  }

  private isCounted(who: string): boolean {
    const now = performance.now();
    if (now - this.since > WINDOW_SECONDS * 1000) {
      this.counted.clear();
      this.since = now;
    }
    if (this.counted.size < COUNTED) this.counted.add(who);
    return this.counted.has(who);
  }
}

/**
 * Guards against floods and loops, far above honest use: a number of requests a minute from one address and, once it is known who signed, of one access
 * key (its sessions count as it). Each instance counts for itself. Answers carry `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
 * Only verified requests count against a key: else anybody could use up another's.
 */
export class RateLimits {
  private readonly addresses: PerMinute;
  private readonly keys: PerMinute;
  private readonly rare: PerMinute;
  private readonly failed: { address: PerMinute; key: PerMinute; pair: PerMinute };

  /** 0 is no limit. */
  constructor({ perAddress, perKey }: { perAddress: number; perKey: number }) {
    this.addresses = new PerMinute('address', perAddress);
    this.keys = new PerMinute('key', perKey);
    this.rare = new PerMinute('rare', Math.ceil(perAddress / RARER));
    this.failed = {
      address: new PerMinute('failures', perAddress === 0 ? 0 : FAILURES.address),
      key: new PerMinute('failures', perKey === 0 ? 0 : FAILURES.key),
      pair: new PerMinute('failures', perKey === 0 ? 0 : 1),
    };
  }

  /** @throws LienThongError rate_limited */
  readonly ofAddress: RequestHandler = async (req, res, next) => {
    const client = clientOf(req.ip ?? '');
    await this.addresses.count(client, res);
    res.once('finish', () => {
      if (res.statusCode === 401) void this.addresses.countMore(client, UNPROVEN - 1);
    });
    next();
  };

  /**
   * Of an upgrade, which no handler of requests sees; counts with the requests of its address.
   * @throws LienThongError rate_limited, or what `answer` threw
   */
  async ofUpgrade(ip: string, answer: () => Promise<void>): Promise<void> {
    const client = clientOf(ip);
    await this.addresses.count(client);
    try {
      await answer();
    } catch (error) {
      if (error instanceof LienThongError && ERRORS[error.code].status === 401)
        await this.addresses.countMore(client, UNPROVEN - 1);
      throw error;
    }
  }

  /** @throws LienThongError rate_limited */
  async ofRareCalls(req: Pick<Request, 'ip'>, res: Response): Promise<void> {
    await this.rare.count(clientOf(req.ip ?? ''), res);
  }

  /**
   * Before a secret is compared, where it is sent and not only used. A key whose failures are used up is refused to addresses that failed with it: anybody may
   * know its name, and must not keep its holder out.
   * @param accessKey as the request says
   * @throws LienThongError rate_limited
   */
  async ofFailures(accessKey: string, req: Pick<Request, 'ip'>, res: Response): Promise<void> {
    const client = clientOf(req.ip ?? '');
    await this.failed.address.assertLeft(client, res);
    if (await this.failed.pair.has(`${accessKey} ${client}`)) await this.failed.key.assertLeft(accessKey, res);
  }

  async countFailure(accessKey: string, req: Pick<Request, 'ip'>): Promise<void> {
    const client = clientOf(req.ip ?? '');
    await this.failed.address.countMore(client, 1);
    await this.failed.key.countMore(accessKey, 1);
    await this.failed.pair.countMore(`${accessKey} ${client}`, 1);
  }

  /** @throws LienThongError rate_limited */
  async ofKey(accessKey: string, res: Response): Promise<void> {
    await this.keys.count(accessKey, res);
  }
}

/** Guard of a route that nobody signs and that honest programs seldom call: a hundredth of what an address may send. */
@Injectable()
export class RareCalls implements CanActivate {
  constructor(@Inject(RateLimits) private readonly limits: Pick<RateLimits, 'ofRareCalls'>) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    await this.limits.ofRareCalls(http.getRequest(), http.getResponse());
    return true;
  }
}

/** One customer of IPv6 has a /64 at least (RFC 6177): a limit per address would be no limit. */
export function clientOf(ip: string): string {
  const address = ip.replace(/^::ffff:(?=\d+\.)/i, '').split('%', 1)[0];
  if (!isIPv6(address)) return address;
  const [head, tail] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = tail ? Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0') : [];
  return `${[...head, ...zeros, ...(tail ?? [])]
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
