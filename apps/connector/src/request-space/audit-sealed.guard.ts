import { AuditBacklog } from '@lienthong/persistence';
import { type CanActivate, Inject, Injectable } from '@nestjs/common';

/** No new packets while the audit log has not been sealed for too long. Everything else goes on: what was taken is still delivered. */
@Injectable()
export class AuditSealedGuard implements CanActivate {
  constructor(@Inject(AuditBacklog) private readonly backlog: Pick<AuditBacklog, 'mustBeSealed'>) {}

  async canActivate(): Promise<boolean> {
    await this.backlog.mustBeSealed();
    return true;
  }
}
