import {
  DeadlineStore,
  type DeliveryRow,
  EventStreamStore,
  iso,
  type PacketRow,
  PacketStore,
  pointsOf,
  TimelineStore,
  Transactions,
} from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';

const BATCH = 200;

/** Tells both sides when a part of the time to the deadline is over (`warnAt`): once per point, and once for points that passed while nobody looked. */
@Injectable()
export class WarnOfDeadlines {
  constructor(
    private readonly transactions: Transactions,
    private readonly deadlines: DeadlineStore,
    private readonly packets: PacketStore,
    private readonly events: EventStreamStore,
    private readonly timeline: TimelineStore,
  ) {}

  /** @returns packets that were warned of */
  async pass(): Promise<number> {
    const packetIds = await this.deadlines.toWarn(BATCH);
    for (const packetId of packetIds) await this.warn(packetId);
    return packetIds.length;
  }

  private async warn(packetId: string): Promise<void> {
    await this.transactions.run(async (unit) => {
      const packet = await this.packets.lock(unit, packetId);
      if (!packet) return;
      const due = await this.deadlines.dueOf(unit, packetId);
      if (due.length === 0) return;
      this.timeline.add(
        unit,
        packetId,
        due.map((delivery) => ({
          event: 'packet.expiring',
          deliveryId: delivery.id,
          detail: { warnAt: passed(packet, delivery), deliverBy: iso(delivery.deliverBy), state: delivery.state },
        })),
      );
      this.events.add(unit, [
        { systemId: packet.source, type: 'packet.expiring', packetId, data: toSource(packet, due) },
        // Whom it is not due for yet, after a retryable rejection, has nothing that it could fetch.
        ...due
          .filter(({ available }) => available)
          .map((delivery) => ({
            systemId: delivery.systemId,
            type: 'packet.expiring' as const,
            packetId,
            deliveryId: delivery.id,
            data: { packetId, deliveryId: delivery.id, ...common(packet, delivery) },
          })),
      ]);
      await this.deadlines.setNext(unit, packet, due);
    });
  }
}

const passed = (packet: PacketRow, delivery: DeliveryRow): number | null => pointsOf(packet, delivery).passed ?? null;

const common = (packet: PacketRow, delivery: DeliveryRow) => ({
  title: packet.title,
  deliverBy: iso(delivery.deliverBy),
  warnAt: passed(packet, delivery),
});

const toSource = (packet: PacketRow, due: DeliveryRow[]) => ({
  packetId: packet.id,
  ...common(packet, due[0]),
  deliveries: due.map(({ id, address, systemId, state }) => ({ deliveryId: id, address, systemId, state })),
  canDo: ['extend'],
});
