import { LienThongError } from '@lienthong/contracts';
import { logContext, RateLimits, setCaller } from '@lienthong/runtime';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusals } from './audit/refusals';
import { BearerTokens, bearerTokenOf } from './keys/bearer-tokens';
import { Authenticator } from './authenticator';
import type { Caller } from './caller';
import { ADMINISTRATOR, BEARER, type BearerScope, PUBLIC } from './decorators';

/** ASVS 5.0 and this platform: hmac-sha1 has been a legacy since before its first release. */
const DEPRECATED_SINCE = Date.parse('2026-01-01T00:00:00Z') / 1000;

/** RFC 9745 and RFC 8594: the signature that this request used will not be taken after that time. */
function sayLegacy(response: ServerResponse, until: Date): void {
  response.setHeader('Deprecation', `@${DEPRECATED_SINCE}`);
  response.setHeader('Sunset', until.toUTCString());
}

/** RFC 6750 3. */
function sayBearer(response: ServerResponse, error: 'invalid_token' | 'insufficient_scope'): void {
  response.setHeader('WWW-Authenticate', `Bearer realm="lienthong", error="${error}"`);
}

/** Every HTTP route is signed unless it says `@Public()`: forgetting a decorator closes a route, never opens one. */
@Injectable()
export class SignedRequestGuard implements CanActivate {
  constructor(
    @Inject(Authenticator) private readonly authenticator: Pick<Authenticator, 'authenticate'>,
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(RateLimits) private readonly limits: Pick<RateLimits, 'ofKey'>,
    @Inject(BearerTokens) private readonly bearers: Pick<BearerTokens, 'authenticate' | 'assertInScope'>,
    @Inject(Refusals) private readonly refusals: Pick<Refusals, 'ofRequest' | 'ofStranger'>,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const marked = <T>(mark: string) =>
      this.reflector.getAllAndOverride<T | undefined>(mark, [context.getHandler(), context.getClass()]);
    const is = (mark: string) => marked<boolean>(mark) === true;
    // Tasks from the queue come through guards too; nobody signs those.
    if (context.getType() !== 'http' || is(PUBLIC)) return true;
    const request = context.switchToHttp().getRequest<IncomingMessage & { originalUrl: string; method: string }>();
    const { method, originalUrl, rawHeaders } = request;
    const token = bearerTokenOf(request);
    const scope = marked<BearerScope>(BEARER);
    const caller = await this.callerOf(request, token, scope).catch((error: unknown) => {
      this.refusals.ofStranger(rawHeaders, error);
      if (token) sayBearer(context.switchToHttp().getResponse(), 'invalid_token');
      throw error;
    });
    request.caller = caller;
    setCaller(request, caller);
    request.onRefused = (thrown) =>
      thrown instanceof LienThongError ? this.refusals.ofRequest(caller, request, thrown) : undefined;
    logContext(request).add({ systemId: caller.systemId, keyId: caller.keyId, alg: caller.alg });
    if (caller.legacyUntil) sayLegacy(context.switchToHttp().getResponse(), caller.legacyUntil);
    await this.limits.ofKey(caller.accessKey, context.switchToHttp().getResponse());
    if (scope && token) {
      await this.bearers.assertInScope(caller, request, scope).catch((error: unknown) => {
        sayBearer(context.switchToHttp().getResponse(), 'insufficient_scope');
        throw error;
      });
    }
    if (is(ADMINISTRATOR) && !caller.administrator)
      throw new LienThongError('access_denied', { what: `${method} ${originalUrl.split('?')[0]}` });
    return true;
  }

  /** @throws LienThongError token_not_accepted for a token where only signed requests are taken */
  private async callerOf(
    request: IncomingMessage & { originalUrl: string; method: string },
    token: string | undefined,
    scope: BearerScope | undefined,
  ): Promise<Caller> {
    const { method, originalUrl, rawHeaders, rawBody } = request;
    if (token === undefined)
      return this.authenticator.authenticate({ method, target: originalUrl, rawHeaders, body: rawBody ?? null });
    if (scope) return this.bearers.authenticate(token, request);
    throw new LienThongError('token_not_accepted', { what: `${method} ${originalUrl.split('?')[0]}` });
  }
}
