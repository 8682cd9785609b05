import { LienThongError } from '@lienthong/contracts';
import type { AuditStore } from './audit.store';

/** Looked at this often at most: it costs a query, and hours are measured. */
const BELIEVED_MS = 15_000;
const RETRY_SECONDS = 60;

/**
 * Entries that are not sealed could still be changed unseen. When that has lasted too long, no new packets are taken and readiness goes red (reliability 4:
 * X-Road stops after four hours).
 */
export class AuditBacklog {
  private known = { seconds: 0, until: 0 };

  constructor(
    private readonly audit: Pick<AuditStore, 'unsealed'>,
    private readonly maxHours: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @throws LienThongError `unavailable` when the oldest entry that is not sealed is too old */
  async mustBeSealed(): Promise<void> {
    if (this.known.until <= this.now()) {
      // The next ones are not to ask too while this one does.
      this.known.until = this.now() + BELIEVED_MS;
      this.known = { seconds: (await this.audit.unsealed()).seconds, until: this.now() + BELIEVED_MS };
    }
    if (this.known.seconds > this.maxHours * 3600)
      throw new LienThongError('unavailable', { what: 'audit log', retryAfter: RETRY_SECONDS });
  }
}
