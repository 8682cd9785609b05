import { task } from '@lienthong/contracts';
import { DeliveryStore, PacketStore, TimelineStore, Transactions } from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';

/** S4: makes a delivery of each recipient, and has the destinations told, at once or at the policy's `deliverAfter`. */
@Injectable()
export class PlanDelivery {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly timeline: TimelineStore,
  ) {}

  async plan(packetId: string): Promise<void> {
    await this.transactions.run(async (unit) => {
      const packet = await this.packets.lock(unit, packetId);
      if (packet?.state !== 'received' || !packet.analysedAt) return;
      const now = Date.now();
      const after = packet.policy.deliverAfter ? Date.parse(packet.policy.deliverAfter) : now;
      const delayMs = Math.max(0, after - now);
      const planned = await this.deliveries.plan(unit, packet, delayMs);
      await this.packets.schedule(unit, packetId);
      this.timeline.add(unit, packetId, [
        {
          event: 'packet.scheduled',
          detail: { deliveries: planned.length, ...(delayMs > 0 ? { after: packet.policy.deliverAfter } : {}) },
        },
      ]);
      unit.enqueue(task('notify-destination', packetId), packet.priority, delayMs);
    });
  }
}
