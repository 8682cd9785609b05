import type { PacketState } from '@lienthong/contracts';
import {
  DeliveryStore,
  EventStreamStore,
  PacketStore,
  ReceiptStore,
  TimelineStore,
  Transactions,
} from '@lienthong/persistence';
import { type PurgeReport, Storage } from '@lienthong/storage';
import { Injectable } from '@nestjs/common';

/** Why the content had to go, for the receipt. */
const RULES: Partial<Record<PacketState, string>> = {
  completed: 'all deliveries final, keepAfterConfirmSeconds over',
  expired: 'space not completed in time',
  refused: 'content refused by the analysis',
  recalled: 'recalled by the source',
};

/**
 * After the final state: deletes the content, looks again, and only then records that it is gone. The intent (`purge_after`) is in the
 * database before the first delete; killed at any point, the task comes again and ends the same way (reliability 6).
 */
@Injectable()
export class PurgeContent {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly events: EventStreamStore,
    private readonly receipts: ReceiptStore,
    private readonly timeline: TimelineStore,
    private readonly storage: Storage,
  ) {}

  async purge(packetId: string): Promise<void> {
    const packet = await this.packets.find(packetId);
    if (!packet?.purgeAfter || packet.purgedAt || packet.purgeAfter > new Date()) return;
    const report = await this.storage.purge(packetId);
    await this.record(packetId, report);
  }

  private async record(packetId: string, report: PurgeReport): Promise<void> {
    const told = await this.deliveries.ofPacket(packetId);
    await this.transactions.run(async (unit) => {
      const held = await this.packets.lockWithParts(unit, packetId);
      if (!held || !(await this.packets.markPurged(unit, packetId))) return;
      const { packet, parts } = held;
      const rule = RULES[packet.state] ?? packet.state;
      const detail = {
        rule,
        removed: report.removed.length,
        abortedUploads: report.aborted,
        verifiedAbsentAt: report.verifiedAbsentAt,
      };
      const receipt = await this.receipts.append(unit, packet, [
        {
          event: 'packet.purged',
          to: packet.recipients.map((recipient) => recipient.systemId),
          parts,
          detail,
        },
      ]);
      this.timeline.add(unit, packetId, [{ event: 'packet.purged', detail }]);
      const data = { packetId, ...detail, receipt };
      this.events.add(unit, [
        { systemId: packet.source, type: 'packet.purged', packetId, data },
        ...told.map(({ systemId, deliveryId }) => ({
          systemId,
          type: 'packet.purged' as const,
          packetId,
          deliveryId,
          data: { ...data, deliveryId },
        })),
      ]);
    });
  }
}
