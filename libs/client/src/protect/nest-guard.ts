import { checkIncoming, type IncomingRequest, type ProtectOptions, type Source } from './check-incoming';

/** As much of Nest's ExecutionContext as is needed: the library does not depend on Nest. */
export interface NestContext {
  switchToHttp(): { getRequest<T>(): T };
}

/** What a handler finds in its request. */
export interface IncomingAccess {
  source: Source;
}

/**
 * A guard for Nest: `app.useGlobalGuards(lienthongGuard({ client }))`, or `@UseGuards(lienthongGuard({ client }))`. The application keeps raw bodies:
 * `NestFactory.create(App, { rawBody: true })`. Handlers find the caller in `request.source`.
 * @throws AccessRefusedError, which Nest answers with its `statusCode`
 */
export function lienthongGuard(options: ProtectOptions) {
  return {
    async canActivate(context: NestContext): Promise<boolean> {
      await checkIncoming(context.switchToHttp().getRequest<IncomingRequest>(), options);
      return true;
    },
  };
}
