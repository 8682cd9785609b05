import { LIMITS, LienThongError, type ReadyAnswer, type ReceiptClaims } from '@lienthong/contracts';
import {
  auditRecord,
  DeliveryStore,
  EventStreamStore,
  GiveUp,
  nowBy,
  Overtaken,
  PacketStore,
  type ReadDelivery,
  ReceiptStore,
  TimelineStore,
  Transactions,
  type Unit,
} from '@lienthong/persistence';
import { Storage } from '@lienthong/storage';
import { Injectable } from '@nestjs/common';
import { storedPartOf } from '../request-space/upload-space';

/** Until then the destination may be sure of what the analysis has just seen. One request to the store for each part and destination is saved. */
const SEEN_WHOLE_MS = 60_000;

type Evidence = Pick<ReceiptClaims, 'request' | 'proof'>;

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
    private readonly giveUp: GiveUp,
  ) {}

  async ready(systemId: string, deliveryId: string, evidence: Evidence): Promise<ReadyAnswer> {
    const seen = await this.deliveries.read(systemId, deliveryId);
    const [taken, lost] = await Promise.all([this.take(systemId, seen, evidence), this.lostOf(seen)]);
    if (lost.length > 0) {
      await this.giveUp.contentLost(seen.packet.id, lost);
      throw new LienThongError('content_lost', {}, { parts: lost });
    }
    return this.answer(taken);
  }

  private take(systemId: string, seen: ReadDelivery, evidence: Evidence): Promise<ReadDelivery> {
    return this.transactions
      .run((unit) => this.record(unit, systemId, seen, evidence))
      .catch((error: unknown) => {
        if (!(error instanceof Overtaken)) throw error;
        return this.hold(systemId, seen.delivery.id, evidence);
      });
  }

  /**
   * Names of the parts that are no longer whole. A cheap look: a store that cannot be asked now has lost nothing. None right after the analysis, unless
   * the destination asks again: it may not have found what it was told.
   */
  private async lostOf({ delivery, packet, parts }: ReadDelivery): Promise<string[]> {
    const seenAt = packet.analysedAt?.getTime() ?? 0;
    if (delivery.state !== 'ready' && nowBy(packet).getTime() - seenAt < SEEN_WHOLE_MS) return [];
    const found = await Promise.all(
      parts.map(async (part) => {
        const stored = storedPartOf(part);
        // Sealing again is a look at what is sealed; but of pieces it may read all.
        return part.uploadId ? this.storage.inspect(stored) : this.storage.seal(stored);
      }),
    ).catch(() => []);
    return parts.filter((_, index) => found[index] && found[index] !== 'whole').map(({ name }) => name);
  }

  /** When several destinations of a packet are ready at the same moment: from the second try on one after the other. */
  private hold(systemId: string, deliveryId: string, evidence: Evidence): Promise<ReadDelivery> {
    return this.transactions.run(async (unit) => {
      const [held, delivery] = await Promise.all([
        this.packets.lockForDelivery(unit, systemId, deliveryId),
        this.deliveries.held(unit, deliveryId),
      ]);
      return this.record(unit, systemId, { ...held, delivery }, evidence);
    });
  }

  private async record(unit: Unit, systemId: string, seen: ReadDelivery, evidence: Evidence): Promise<ReadDelivery> {
    const { delivery, parts } = seen;
    const packet = { ...seen.packet };
    const [packetId, deliveryId] = [packet.id, delivery.id];
    if (delivery.state === 'ready') {
      unit.records.audit.push(auditRecord({ action: 'delivery.addressed', packetId, deliveryId }));
      return seen;
    }
    if (delivery.state !== 'pending' && delivery.state !== 'notified')
      throw new LienThongError('wrong_state', { state: delivery.state, action: 'fetch' }, { state: delivery.state });
    const receipt = await this.receipts.append(unit, packet, [
      { event: 'delivery.ready', to: [systemId], parts, deliveryId, ...evidence },
    ]);
    await this.deliveries.makeReady(unit, seen);
    this.timeline.add(unit, packetId, [{ event: 'delivery.ready', deliveryId }]);
    const data = { packetId, deliveryId, systemId, attempt: delivery.attempt, receipt };
    this.events.add(unit, [{ systemId: packet.source, type: 'delivery.ready', packetId, deliveryId, data }]);
    return seen;
  }

  private async answer({ delivery, packet, parts }: ReadDelivery): Promise<ReadyAnswer> {
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
      space: { expiresAt: new Date(nowBy(packet).getTime() + seconds * 1000).toISOString(), downloads },
    };
  }
}
