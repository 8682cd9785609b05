import { LienThongError } from '@lienthong/contracts';
import { logContext, RateLimits } from '@lienthong/runtime';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusals } from './audit/refusals';
import { BearerTokens, bearerTokenOf } from './keys/bearer-tokens';
import { Authenticator } from './authenticator';
import { ADMINISTRATOR, BEARER, PUBLIC } from './decorators';

/** ASVS 5.0 and this platform: hmac-sha1 has been a legacy since before its first release. */
const DEPRECATED_SINCE = Date.parse('2026-01-01T00:00:00Z') / 1000;

/** RFC 9745 and RFC 8594: the signature that this request used will not be taken after that time. */
function sayLegacy(response: ServerResponse, until: Date): void {
  response.setHeader('Deprecation', `@${DEPRECATED_SINCE}`);
  response.setHeader('Sunset', until.toUTCString());
}

/** Every HTTP route is signed unless it says `@Public()`: forgetting a decorator closes a route, never opens one. */
@Injectable()
export class SignedRequestGuard implements CanActivate {
  constructor(
    @Inject(Authenticator) private readonly authenticator: Pick<Authenticator, 'authenticate'>,
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(RateLimits) private readonly limits: Pick<RateLimits, 'ofKey'>,
    @Inject(BearerTokens) private readonly bearers: Pick<BearerTokens, 'authenticate' | 'assertInScope'>,
    @Inject(Refusals) private readonly refusals: Pick<Refusals, 'ofCaller' | 'ofStranger'>,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const is = (mark: string) =>
      this.reflector.getAllAndOverride<boolean>(mark, [context.getHandler(), context.getClass()]);
    // Tasks from the queue come through guards too; nobody signs those.
    if (context.getType() !== 'http' || is(PUBLIC)) return true;
    const request = context.switchToHttp().getRequest<IncomingMessage & { originalUrl: string; method: string }>();
    const { method, originalUrl, rawHeaders, rawBody } = request;
    const token = is(BEARER) ? bearerTokenOf(request) : undefined;
    const proven = token
      ? this.bearers.authenticate(token, request)
      : this.authenticator.authenticate({ method, target: originalUrl, rawHeaders, body: rawBody ?? null });
    const caller = await proven.catch((error: unknown) => {
      this.refusals.ofStranger(rawHeaders, error);
      throw error;
    });
    request.caller = caller;
    logContext(request).add({ systemId: caller.systemId, keyId: caller.keyId, alg: caller.alg });
    if (caller.legacyUntil) sayLegacy(context.switchToHttp().getResponse(), caller.legacyUntil);
    await this.limits.ofKey(caller.accessKey, context.switchToHttp().getResponse());
    if (token) {
      await this.bearers.assertInScope(token, request).catch(async (error: unknown) => {
        if (error instanceof LienThongError) await this.refusals.ofCaller(caller, request, error.code);
        throw error;
      });
    }
    if (is(ADMINISTRATOR) && !caller.administrator) {
      await this.refusals.ofCaller(caller, request, 'access_denied');
      throw new LienThongError('access_denied', { what: `${method} ${originalUrl.split('?')[0]}` });
    }
    return true;
  }
}
