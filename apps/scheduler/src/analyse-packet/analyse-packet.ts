import {
  EventStreamStore,
  type PacketRow,
  PacketStore,
  type PartRow,
  ReceiptStore,
  TimelineStore,
  Transactions,
  type Unit,
} from '@lienthong/persistence';
import type { TaskTime } from '@lienthong/queue';
import { type Finding, Storage } from '@lienthong/storage';
import { Injectable } from '@nestjs/common';
import { PlanDelivery } from '../plan-delivery/plan-delivery';

/** Reason codes of `packet.refused`, by what the storage found. */
const REASONS: Record<Exclude<Finding, 'whole'>, string> = {
  missing: 'content_missing',
  size: 'size_differs',
  digest: 'digest_differs',
};

/** What was looked at: of another round it says nothing. */
interface Seen {
  packetId: string;
  round: number;
  parts: PartRow[];
}

/** S4: makes the content immutable, proves that it is what was declared, and gives the source its receipt; or refuses it with reasons. */
@Injectable()
export class AnalysePacket {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly events: EventStreamStore,
    private readonly receipts: ReceiptStore,
    private readonly timeline: TimelineStore,
    private readonly storage: Storage,
    private readonly planDelivery: PlanDelivery,
  ) {}

  /** @param time is longer by what there is to read */
  async analyse(packetId: string, time: Pick<TaskTime, 'allowReading' | 'signal'>): Promise<void> {
    const seen = await this.transactions.run(async (unit) => {
      const held = await this.packets.lockWithParts(unit, packetId);
      if (held?.packet.state !== 'received') return undefined;
      if (held.packet.protocol !== 'inline' || held.packet.round > 1)
        return { packetId, round: held.packet.round, parts: held.parts };
      // Measured, digested and durably written by the platform itself before it was received, to keys that no client has an address for.
      return this.pass(unit, held.packet, held.parts);
    });
    if (!seen) return;
    const findings: { part: PartRow; found: Finding }[] = [];
    // One after the other: a packet of many large parts must not take all the bandwidth.
    for (const part of seen.parts) {
      time.signal.throwIfAborted();
      time.allowReading(part.size);
      findings.push({ part, found: await this.seal(part) });
    }
    time.signal.throwIfAborted();
    const wrong = findings.flatMap(({ part, found }) =>
      found === 'whole' ? [] : [{ part: part.name, code: REASONS[found] }],
    );
    await (wrong.length > 0 ? this.refuse(seen, wrong) : this.accept(seen));
  }

  private seal({ objectKey, size, sha256, mediaType }: PartRow): Promise<Finding> {
    return this.storage.seal({ key: objectKey, size, sha256, mediaType });
  }

  private async accept({ packetId, round, parts }: Seen): Promise<void> {
    await this.transactions.run(async (unit) => {
      const packet = await this.packets.lock(unit, packetId);
      if (packet?.state === 'received' && packet.round === round) await this.pass(unit, packet, parts);
    });
  }

  private async pass(unit: Unit, packet: PacketRow, parts: PartRow[]): Promise<undefined> {
    const { id: packetId } = packet;
    const to = (packet.resendTo ?? packet.recipients).map((recipient) => recipient.systemId);
    const receipt = await this.receipts.append(unit, packet, [{ event: 'packet.accepted', to, parts }]);
    this.timeline.add(unit, packetId, [{ event: 'packet.accepted' }]);
    this.events.add(unit, [
      { systemId: packet.source, type: 'packet.accepted', packetId, data: { packetId, receipt } },
    ]);
    await this.planDelivery.plan(unit, packet);
  }

  private async refuse({ packetId, round, parts }: Seen, reasons: { part: string; code: string }[]): Promise<void> {
    await this.transactions.run(async (unit) => {
      const packet = await this.packets.lock(unit, packetId);
      if (packet?.state !== 'received' || packet.round !== round) return;
      const receipt = await this.receipts.append(unit, packet, [
        { event: 'packet.refused', to: [], parts, detail: { reasons } },
      ]);
      await this.packets.finish(unit, packet, 'refused');
      this.timeline.add(unit, packetId, [{ event: 'packet.refused', detail: { reasons } }]);
      this.events.add(unit, [
        { systemId: packet.source, type: 'packet.refused', packetId, data: { packetId, reasons, receipt } },
      ]);
    });
  }
}
