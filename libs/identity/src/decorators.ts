import { LienThongError } from '@lienthong/contracts';
import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Caller as CallerOf, SystemCaller } from './caller';

export const PUBLIC = 'identity:public';
export const ADMINISTRATOR = 'identity:administrator';
/** Metadata of a route that takes bearer tokens too. */
export const BEARER = 'identity:bearer';
/** Metadata of a route that takes `@CallingSystem()`. */
export const SYSTEM = 'identity:system';

/** The route (or all of a controller) is open to who does not sign. */
export const Public = () => SetMetadata(PUBLIC, true);

/** The route (or all of a controller) is for administrators' keys and their sessions only: `403 access_denied` for others. */
export const Administrator = () => SetMetadata(ADMINISTRATOR, true);

/**
 * How a route keeps a bearer token to the data services that it names. `item`: by the `dataType` of the body, or of the packet or delivery in the path;
 * `list`: the route itself shows only `caller.dataTypes`; `all`: it cannot, and takes tokens for `*` only.
 */
export type BearerScope = 'item' | 'list' | 'all';

/** The route also takes `Authorization: Bearer` of `POST /oauth2/token` (A7). A route without it takes signed requests only. */
export const BearerToo = (scope: BearerScope = 'item') => SetMetadata(BEARER, scope);

type SignedRequest = IncomingMessage & { originalUrl: string };

const signedRequest = (context: ExecutionContext): SignedRequest & { caller: CallerOf } => {
  const request = context.switchToHttp().getRequest<SignedRequest>();
  if (!request.caller) throw new Error('@Caller() stands on a route that is @Public(), or IdentityModule is missing.');
  return request as SignedRequest & { caller: CallerOf };
};

export type Caller = CallerOf;
/** `@Caller() caller: Caller`: who signed the request, a system or an administrator. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): CallerOf => {
  return signedRequest(context).caller;
});

/** `@CallingSystem() caller: SystemCaller`: as `@Caller()`, where only a system makes sense. An administrator, who belongs to none, gets `403 access_denied`. */
export const CallingSystem = createParamDecorator(
  (_: unknown, context: ExecutionContext): SystemCaller => {
    const { caller, method, originalUrl } = signedRequest(context);
    if (caller.systemId !== null) return caller as SystemCaller;
    throw new LienThongError('access_denied', { what: `${method} ${originalUrl.split('?')[0]}` });
  },
  [(target, key) => Reflect.defineMetadata(SYSTEM, true, target[key as keyof typeof target])],
);
