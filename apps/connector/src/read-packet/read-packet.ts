import { LienThongError, type PacketView, type StuckPacket } from '@lienthong/contracts';
import {
  DeliveryStore,
  iso,
  isoOrNull,
  type PacketRow,
  PacketStore,
  ResendStore,
  StuckPacketStore,
  TimelineStore,
} from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';
import { ConnectorOptions } from '../connector.config';
import { policyOf, shownPolicy } from '../policy';
import { sentenceOf, stuckSentence } from './sentences';

/** «Where is my packet»: everything about it but its content. Its source sees all of it, a destination its own delivery. */
@Injectable()
export class ReadPacket {
  constructor(
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly timeline: TimelineStore,
    private readonly resends: ResendStore,
    private readonly stuckPackets: StuckPacketStore,
    private readonly options: ConnectorOptions,
  ) {}

  async read(systemId: string, packetId: string): Promise<PacketView> {
    const { packet, deliveryIds } = await this.asParty(systemId, packetId);
    const [parts, recipients, timeline, rounds] = await Promise.all([
      this.packets.parts(packetId),
      this.deliveries.ofPacket(packetId, deliveryIds && systemId),
      this.timeline.of(packetId, deliveryIds),
      packet.round > 1 ? this.resends.rounds(packetId) : [],
    ]);
    const addresses = new Map<string | undefined, string>(
      recipients.map(({ deliveryId: id, address }) => [id, address]),
    );
    return {
      packetId,
      round: packet.round,
      rounds,
      state: packet.state,
      from: packet.source,
      title: packet.title,
      priority: packet.priority,
      ...(packet.askedPriority ? { askedPriority: packet.askedPriority } : {}),
      dataType: packet.dataType,
      protocol: packet.protocol,
      inReplyTo: packet.inReplyTo,
      parts: parts.map(({ name, mediaType, size, sha256 }) => ({ name, mediaType, size, sha256 })),
      policy: {
        // A packet that is older than a value has it by default.
        ...shownPolicy({ ...policyOf(this.options.policy, []).policy, ...packet.policy }),
        ...(packet.deliverBy ? { deliverBy: iso(packet.deliverBy) } : {}),
      },
      policySources: packet.policySources,
      recipients,
      createdAt: iso(packet.createdAt),
      receivedAt: isoOrNull(packet.receivedAt),
      finishedAt: isoOrNull(packet.finishedAt),
      purgedAt: isoOrNull(packet.purgedAt),
      timeline: timeline.map((entry) => ({
        ...entry,
        sentence: sentenceOf(entry.event, new Date(entry.at), addresses.get(entry.delivery), entry.detail),
      })),
    };
  }

  /** What of the system's own packets does not move by itself, with what it can do about it (Q11, Q18). */
  async stuck(systemId: string, limit: number): Promise<StuckPacket[]> {
    const rows = await this.stuckPackets.list(systemId, this.options.policy.warnAt[0] ?? 1, limit);
    return rows.map(({ deliveryId, address, systemId: to, deliveryState, online, since, endsAt, ...row }) => ({
      ...row,
      ...(deliveryId && address && to && deliveryState
        ? { delivery: { deliveryId, address, systemId: to, state: deliveryState, online } }
        : {}),
      since: iso(since),
      endsAt: isoOrNull(endsAt),
      sentence: stuckSentence(row.reason, address ?? '', endsAt, online),
    }));
  }

  /** @throws not_found for whoever is neither source nor destination, as for a packet that there is not */
  async asParty(systemId: string, packetId: string): Promise<{ packet: PacketRow; deliveryIds?: string[] }> {
    const packet = await this.packets.find(packetId);
    if (!packet) throw new LienThongError('not_found');
    if (packet.source === systemId) return { packet };
    const own = await this.deliveries.ofPacket(packetId, systemId);
    if (own.length === 0) throw new LienThongError('not_found');
    return { packet, deliveryIds: own.map(({ deliveryId }) => deliveryId) };
  }
}
