import type { Unit } from '../transactions';
import type { Announced, DeliveryStore } from './delivery.store';
import type { EventStreamStore } from './event-stream.store';
import type { TimelineStore } from './timeline.store';

/** Tells the destinations of a packet what is due for them, once per attempt: at planning, or when its time has come (notify-destination). */
export class AnnounceDeliveries {
  constructor(
    private readonly deliveries: DeliveryStore,
    private readonly events: EventStreamStore,
    private readonly timeline: TimelineStore,
  ) {}

  async due(unit: Unit, packetId: string): Promise<void> {
    this.tell(unit, packetId, await this.deliveries.announce(unit, packetId));
  }

  tell(unit: Unit, packetId: string, due: Announced[]): void {
    this.events.add(
      unit,
      due.map(({ deliveryId, systemId, data }) => ({ systemId, type: 'packet.available', packetId, deliveryId, data })),
    );
    this.timeline.add(
      unit,
      packetId,
      due.map(({ deliveryId }) => ({ event: 'delivery.announced', deliveryId })),
    );
  }
}
