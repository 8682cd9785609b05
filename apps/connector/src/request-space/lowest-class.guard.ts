import { Admission } from '@lienthong/runtime';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';

/** While there is much to do, packets of the lowest class are the first that are not taken. The body has not been checked yet: whatever else it says is no lowest class. */
@Injectable()
export class LowestClassGuard implements CanActivate {
  constructor(@Inject(Admission) private readonly admission: Pick<Admission, 'assertRoomForLowest'>) {}

  canActivate(context: ExecutionContext): boolean {
    const { body } = context.switchToHttp().getRequest<Request>();
    const { priority = 'normal' } = (body ?? {}) as { priority?: unknown };
    if (priority === 'normal') this.admission.assertRoomForLowest();
    return true;
  }
}
