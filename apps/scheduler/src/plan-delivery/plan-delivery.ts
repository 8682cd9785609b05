import { task } from '@lienthong/contracts';
import {
  AnnounceDeliveries,
  DeliveryStore,
  nowBy,
  type PacketRow,
  PacketStore,
  TimelineStore,
  type Unit,
} from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';

/**
 * S4: makes a delivery of each recipient, and has the destinations told, at once or at the policy's `deliverAfter`. Part of the transaction in
 * which the analysis passes: a task of its own cost as much as all the rest of a small packet's way (docs/benchmark.md).
 */
@Injectable()
export class PlanDelivery {
  constructor(
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly announce: AnnounceDeliveries,
    private readonly timeline: TimelineStore,
  ) {}

  /** @param packet received, held, and just found whole */
  async plan(unit: Unit, packet: PacketRow): Promise<void> {
    const after = packet.policy.deliverAfter;
    const delayMs = after ? Math.max(0, Date.parse(after) - nowBy(packet).getTime()) : 0;
    const planned = await this.deliveries.plan(unit, packet, delayMs);
    await this.packets.schedule(unit, packet.id);
    const detail = { deliveries: planned.length, ...(delayMs > 0 ? { after } : {}) };
    this.timeline.add(unit, packet.id, [{ event: 'packet.scheduled', detail }]);
    if (delayMs === 0) this.announce.tell(unit, packet.id, planned);
    else unit.enqueue(task('notify-destination', packet.id), packet.priority, delayMs);
  }
}
