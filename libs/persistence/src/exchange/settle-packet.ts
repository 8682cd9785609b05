import type { DeliveryStore } from './delivery.store';
import type { EventStreamStore } from './event-stream.store';
import type { PacketStore } from './packet.store';
import type { PacketRow } from './rows';
import type { TimelineStore } from './timeline.store';
import type { Unit } from '../transactions';

/** The packet is completed with its last delivery, whichever step ended that one. Decided under the packet's lock: two that end at once cannot both miss it. */
export class SettlePacket {
  constructor(
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly events: EventStreamStore,
    private readonly timeline: TimelineStore,
  ) {}

  async ifAllFinal(unit: Unit, packet: PacketRow): Promise<boolean> {
    if (packet.state !== 'scheduled' || (await this.deliveries.isAnyLive(unit, packet.id))) return false;
    await this.complete(unit, packet);
    return true;
  }

  /** For who has seen under the lock that all are final. */
  async complete(unit: Unit, packet: PacketRow): Promise<void> {
    if (packet.state !== 'scheduled') return;
    await this.packets.finish(unit, packet, 'completed');
    this.timeline.add(unit, packet.id, [{ event: 'packet.completed' }]);
    this.events.add(unit, [
      { systemId: packet.source, type: 'packet.completed', packetId: packet.id, data: { packetId: packet.id } },
    ]);
  }
}
