import { LIMITS, LienThongError, type ReadyAnswer } from '@lienthong/contracts';
import {
  auditRecord,
  type DeliveryRow,
  DeliveryStore,
  EventStreamStore,
  type PacketRow,
  PacketStore,
  type PartRow,
  ReceiptStore,
  TimelineStore,
  Transactions,
} from '@lienthong/persistence';
import { Storage } from '@lienthong/storage';
import { Injectable } from '@nestjs/common';
import { storedPartOf } from '../request-space/upload-space';

/** S6: the destination is ready; the platform checks and returns the space to fetch from. Said again, it renews the addresses. */
@Injectable()
export class ReadyToReceive {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly events: EventStreamStore,
    private readonly receipts: ReceiptStore,
    private readonly timeline: TimelineStore,
    private readonly storage: Storage,
  ) {}

  async ready(systemId: string, deliveryId: string): Promise<ReadyAnswer> {
    const { delivery, packet, parts } = await this.transactions.run(async (unit) => {
      const [{ packet, parts }, delivery] = await Promise.all([
        this.packets.lockForDelivery(unit, systemId, deliveryId),
        this.deliveries.held(unit, deliveryId),
      ]);
      if (delivery.state === 'ready') {
        unit.records.audit.push(auditRecord({ action: 'delivery.addressed', packetId: packet.id, deliveryId }));
        return { delivery, packet, parts };
      }
      if (delivery.state !== 'pending' && delivery.state !== 'notified')
        throw new LienThongError('wrong_state', { state: delivery.state, action: 'fetch' }, { state: delivery.state });
      await this.deliveries.change(unit, [deliveryId], 'ready');
      const receipt = await this.receipts.append(unit, packet, [
        { event: 'delivery.ready', to: [systemId], parts, deliveryId },
      ]);
      this.timeline.add(unit, packet.id, [{ event: 'delivery.ready', deliveryId }]);
      this.events.add(unit, [
        {
          systemId: packet.source,
          type: 'delivery.ready',
          packetId: packet.id,
          deliveryId,
          data: { packetId: packet.id, deliveryId, systemId, attempt: delivery.attempt, receipt },
        },
      ]);
      return { delivery, packet, parts };
    });
    return this.answer(delivery, packet, parts);
  }

  private async answer(delivery: DeliveryRow, packet: PacketRow, parts: PartRow[]): Promise<ReadyAnswer> {
    const seconds = LIMITS.downloadAddressSeconds;
    const downloads = await Promise.all(
      parts.map(async (part) => ({
        part: part.name,
        ...(await this.storage.presignGet(storedPartOf(part), seconds, part.name)),
        size: part.size,
        sha256: part.sha256,
        mediaType: part.mediaType,
      })),
    );
    return {
      deliveryId: delivery.id,
      packet: {
        packetId: packet.id,
        from: packet.source,
        title: packet.title,
        priority: packet.priority,
        dataType: packet.dataType,
        inReplyTo: packet.inReplyTo,
        parts: parts.map(({ name, mediaType, size, sha256 }) => ({ name, mediaType, size, sha256 })),
      },
      space: { expiresAt: new Date(Date.now() + seconds * 1000).toISOString(), downloads },
    };
  }
}
