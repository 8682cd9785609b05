import { DeliveryStore, EventStreamStore, TimelineStore, Transactions } from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';

/**
 * S4: writes `packet.available` into the stream of every destination whose delivery is due. Open streams get it at once, the others when they
 * come; the delivery is `notified` when the destination has acknowledged or listed it.
 */
@Injectable()
export class NotifyDestination {
  constructor(
    private readonly transactions: Transactions,
    private readonly deliveries: DeliveryStore,
    private readonly events: EventStreamStore,
    private readonly timeline: TimelineStore,
  ) {}

  async notify(packetId: string): Promise<void> {
    await this.transactions.run(async (unit) => {
      const due = await this.deliveries.announce(unit, packetId);
      this.events.add(
        unit,
        due.map(({ deliveryId, systemId, data }) => ({
          systemId,
          type: 'packet.available',
          packetId,
          deliveryId,
          data: { ...data },
        })),
      );
      this.timeline.add(
        unit,
        packetId,
        due.map(({ deliveryId }) => ({ event: 'delivery.announced', deliveryId })),
      );
    });
  }
}
