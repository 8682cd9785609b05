import { LienThongError, statusOf } from '@lienthong/contracts';
import { actingAs } from '@lienthong/persistence';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { catchError, from, Observable, throwError } from 'rxjs';
import { Refusals, type RefusedRequest } from './refusals';

/** What a verified caller does is recorded in the audit log as done by it; what it is refused is recorded too (403, and 404 for what is absent or another's). */
@Injectable()
export class ActingInterceptor implements NestInterceptor {
  constructor(private readonly refusals: Refusals) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request =
      context.getType() === 'http' ? context.switchToHttp().getRequest<IncomingMessage & RefusedRequest>() : undefined;
    const { caller } = request ?? {};
    if (!request || !caller) return next.handle();
    const actor = { actor: caller.keyId, systemId: caller.systemId };
    const handled = () =>
      next.handle().pipe(
        catchError((error: unknown) => {
          const status = error instanceof LienThongError ? statusOf(error) : 0;
          if (status !== 403 && status !== 404) return throwError(() => error);
          return from(
            this.refusals.ofCaller(caller, request, (error as LienThongError).code).then(() => Promise.reject(error)),
          );
        }),
      );
    return new Observable((subscriber) => actingAs(actor, () => handled().subscribe(subscriber)));
  }
}
