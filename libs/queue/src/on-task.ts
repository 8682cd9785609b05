import type { TaskKind } from '@lienthong/contracts';
import { applyDecorators, Catch, type ExceptionFilter, UseFilters } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';

/** Hands the handler's own error to `QueueServer`; without it Nest replaces every error by `{ status: 'error', message }`. */
@Catch()
export class TaskErrorFilter implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** Marks a method as the handler of a task kind: `@EventPattern` with a checked name, and `TaskErrorFilter`. The method receives the `QueuedTask`. */
export const OnTask = (kind: TaskKind): MethodDecorator =>
  applyDecorators(EventPattern<string>(kind), UseFilters(TaskErrorFilter)) as MethodDecorator;
