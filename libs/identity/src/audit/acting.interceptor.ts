import { LienThongError, type Recipient, statusOf } from '@lienthong/contracts';
import { actingAs } from '@lienthong/persistence';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { catchError, from, Observable, throwError } from 'rxjs';
import type { Caller } from '../caller';
import { Refusals, type RefusedRequest } from './refusals';

/** What a verified caller does is recorded in the audit log as done by it; what it is refused is recorded too (403, 404 for what is absent or another's, and recipients that it may not send to). */
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
      next
        .handle()
        .pipe(
          catchError((error: unknown) =>
            error instanceof LienThongError
              ? from(this.record(caller, request, error).then(() => Promise.reject(error)))
              : throwError(() => error),
          ),
        );
    return new Observable((subscriber) => actingAs(actor, () => handled().subscribe(subscriber)));
  }

  private async record(caller: Caller, request: RefusedRequest, error: LienThongError): Promise<void> {
    if (error.code === 'recipients_refused')
      return this.refusals.ofRecipients(caller, request, error.members.recipients as Recipient[]);
    if ([403, 404].includes(statusOf(error))) return this.refusals.ofCaller(caller, request, error.code);
  }
}
