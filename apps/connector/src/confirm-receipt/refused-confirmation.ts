import { type ConfirmRequest, LienThongError, PRIORITIES, task } from '@lienthong/contracts';
import { RefusedConfirmationStore, TimelineStore, Transactions } from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';

/** So many confirmations with other digests have the content looked at; and so many are on the audit log. */
const SUSPICIOUS = 3;

/**
 * A confirmation that is refused changes nothing, but is not forgotten: one that came too late is for the source to know, which was told that
 * the packet did not arrive; digests that differ again and again may be the platform's own fault.
 */
@Injectable()
export class RefusedConfirmation {
  constructor(
    private readonly transactions: Transactions,
    private readonly refused: RefusedConfirmationStore,
    private readonly timeline: TimelineStore,
  ) {}

  async note(error: unknown, systemId: string, deliveryId: string, request: ConfirmRequest): Promise<void> {
    if (!(error instanceof LienThongError)) return;
    if (error.code === 'confirmation_mismatch') await this.mismatch(systemId, deliveryId, error);
    if (error.code === 'wrong_state') await this.late(systemId, deliveryId, request);
  }

  private late(systemId: string, deliveryId: string, { outcome }: ConfirmRequest): Promise<void> {
    return this.transactions.run(async (unit) => {
      const late = await this.refused.late(unit, systemId, deliveryId);
      if (!late) return;
      const detail = { outcome, state: late.state };
      this.timeline.add(unit, late.packetId, [{ event: 'delivery.lateConfirmation', deliveryId, detail }]);
    });
  }

  private mismatch(systemId: string, deliveryId: string, { members }: LienThongError): Promise<void> {
    return this.transactions.run(async (unit) => {
      const known = await this.refused.mismatched(unit, systemId, deliveryId);
      if (!known) return;
      const { packetId, count, priority } = known;
      if (count <= SUSPICIOUS) {
        const detail = { count, parts: members.parts };
        this.timeline.add(unit, packetId, [{ event: 'delivery.mismatched', deliveryId, detail }]);
      }
      if (count % SUSPICIOUS === 0) unit.enqueue(task('check-content', packetId), PRIORITIES[priority]);
    });
  }
}
