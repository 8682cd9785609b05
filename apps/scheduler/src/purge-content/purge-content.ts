import { LIMITS, type PacketState, task } from '@lienthong/contracts';
import {
  DeliveryStore,
  EventStreamStore,
  type PacketRow,
  PacketStore,
  ReceiptStore,
  TimelineStore,
  Transactions,
  type Unit,
} from '@lienthong/persistence';
import { logContext } from '@lienthong/runtime';
import { type PurgeReport, Storage } from '@lienthong/storage';
import { Injectable } from '@nestjs/common';

/** Between our clock and the store's. */
const CLOCKS_MS = 60_000;

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
    if (!packet?.purgeAfter || packet.purgeAfter > new Date()) return;
    const report = await this.storage.purge(packetId);
    if (packet.purgedAt) logContext().add({ broughtBack: report.removed.length });
    else await this.record(packetId, report);
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
      this.purgeOnceMore(unit, packet);
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

  /** The source may still hold an address that stores its own bytes again; when the last of them has expired, the purge is repeated. */
  private purgeOnceMore(unit: Unit, packet: PacketRow): void {
    if (!this.storage.uploadsOutlivePurge || packet.protocol === 'inline') return;
    const addressed = (packet.receivedAt ?? packet.finishedAt ?? packet.createdAt).getTime();
    const left = addressed + LIMITS.uploadAddressSeconds * 1000 - Date.now();
    if (left > 0) unit.enqueue(task('purge-content', packet.id), packet.priority, left + CLOCKS_MS);
  }
}
