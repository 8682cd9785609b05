import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import { ruleCode, RULE_TEXTS } from './rule-texts';
import { validationFailed } from './validation.pipe';

const STATED = new Set(['PUT', 'PATCH']);

/**
 * PUT and PATCH say what is to be by their body (RFC 9110 9.3.4, RFC 5789): without one nothing is said, and a class whose fields may all be left out would be
 * taken for an empty one, which takes away what was set. `{}` says that on purpose.
 */
@Injectable()
export class StatedBodyInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() === 'http') {
      const { method, rawBody } = context.switchToHttp().getRequest<Request>();
      if (STATED.has(method) && rawBody === undefined)
        throw validationFailed([{ pointer: '', code: ruleCode('isObject'), message: RULE_TEXTS.isObject }]);
    }
    return next.handle();
  }
}
