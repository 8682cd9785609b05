import { LIMITS, task } from '@lienthong/contracts';
import {
  BlockedPurgeStore,
  EventStreamStore,
  nowBy,
  Overtaken,
  type PacketRow,
  PacketStore,
  ReceiptStore,
  TimelineStore,
  Transactions,
  type Unit,
  type WholePacket,
} from '@lienthong/persistence';
import { logContext, Metrics } from '@lienthong/runtime';
import { ContentKept, placeOf, type PurgeReport, Storage, type StoredPart } from '@lienthong/storage';
import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { SchedulerOptions } from '../scheduler.config';
import { certificateOf } from './certificate';

/** Between our clock and the store's. */
const CLOCKS_MS = 60_000;
/** A request that was storing its inline content when its packet was recalled has ended by then, whatever the store did. */
const STORING_MS = 60_000;

/** The parts that are known to lie where they were put: of a packet that was delivered, if none was uploaded in pieces. */
const stored = ({ packet, parts }: WholePacket): StoredPart[] =>
  packet.state === 'completed' && !packet.purgedAt && parts.every(({ uploadId }) => uploadId === null)
    ? parts.map(({ objectKey: key, size, sha256, mediaType }) => ({ key, size, sha256, mediaType }))
    : [];

const countBlocked = (blocked: BlockedPurgeStore, metrics: Metrics): Gauge =>
  new Gauge({
    name: 'lienthong_purge_blocked_packets',
    help: 'Packets whose content the store refuses to delete: somebody must end what holds it (object lock, legal hold, rights)',
    registers: [metrics],
    async collect() {
      this.set(await blocked.count());
    },
  });

/**
 * After the final state: deletes the content, looks again, and only then records that it is gone. The intent (`purge_after`) is in the
 * database before the first delete; killed at any point, the task comes again and ends the same way (reliability 6).
 */
@Injectable()
export class PurgeContent {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly events: EventStreamStore,
    private readonly receipts: ReceiptStore,
    private readonly timeline: TimelineStore,
    private readonly storage: Storage,
    private readonly blocked: BlockedPurgeStore,
    private readonly options: SchedulerOptions,
    metrics: Metrics,
  ) {
    countBlocked(blocked, metrics);
  }

  async purge(packetId: string): Promise<void> {
    const known = await this.packets.findWhole(packetId);
    if (!known?.packet.purgeAfter || known.packet.purgeAfter > nowBy(known.packet)) return;
    const report = await this.deleteAll(known).catch((error: unknown) => {
      if (!(error instanceof ContentKept)) throw error;
      return this.keptBack(known.packet, error);
    });
    if (!report) return;
    if (known.packet.purgedAt) return void logContext().add({ broughtBack: report.removed.length });
    await this.record(known, report).catch(async (error: unknown) => {
      if (!(error instanceof Overtaken)) throw error;
      const now = await this.packets.findWhole(packetId);
      // Of another round the content may be there again: this one's report says nothing of it.
      if (now && now.packet.round === known.packet.round && !now.packet.purgedAt) await this.record(now, report);
    });
  }

  /** Of the round that was read and those before it; content of a later one lies elsewhere, however long this stood still. */
  private async deleteAll(known: WholePacket): Promise<PurgeReport> {
    const { id, round } = known.packet;
    let whole = await this.storage.purge(placeOf(id, 1), round === 1 ? stored(known) : []);
    for (let n = 2; n <= round; n++) {
      const one = await this.storage.purge(placeOf(id, n));
      whole = {
        ...one,
        removed: [...whole.removed, ...one.removed],
        aborted: whole.aborted + one.aborted,
        deletedAt: one.deletedAt ?? whole.deletedAt,
      };
    }
    return whole;
  }

  /** The store would not delete: never recorded as purged, told once; `sweep-lost-work` has it tried again until it is (reliability 6). */
  private async keptBack(packet: PacketRow, { left, why }: ContentKept): Promise<undefined> {
    logContext().add({ purgeBlocked: why, left });
    await this.transactions.run(async (unit) => {
      if (await this.blocked.note(unit, packet.id))
        this.timeline.add(unit, packet.id, [{ event: 'packet.purgeBlocked', detail: { left, why } }]);
    });
  }

  /** One statement, without holding the packet first: it counts only if the chain of receipts is still as it was read. */
  private async record({ packet: known, parts, deliveries }: WholePacket, report: PurgeReport): Promise<void> {
    await this.transactions.run(async (unit) => {
      const packet = { ...known };
      const packetId = packet.id;
      const certificate = certificateOf({ state: packet.state, purgeAfter: packet.purgeAfter! }, report, this.options);
      const { rule, removed, abortedUploads, verifiedAbsentAt } = certificate;
      const detail = { rule, removed, abortedUploads, verifiedAbsentAt };
      const receipt = await this.receipts.append(unit, packet, [
        {
          event: 'packet.purged',
          to: packet.recipients.map((recipient) => recipient.systemId),
          parts,
          detail: certificate,
        },
      ]);
      await this.packets.markPurged(unit, packet, known.receiptHash);
      this.purgeOnceMore(unit, packet);
      this.timeline.add(unit, packetId, [{ event: 'packet.purged', detail }]);
      const data = { packetId, ...detail, receipt };
      this.events.add(unit, [
        { systemId: packet.source, type: 'packet.purged', packetId, data },
        ...deliveries.map(({ systemId, deliveryId }) => ({
          systemId,
          type: 'packet.purged' as const,
          packetId,
          deliveryId,
          data: { ...data, deliveryId },
        })),
      ]);
    });
  }

  /** Content may still come after the purge, its source's own bytes; when none can come any more, the purge is repeated. */
  private purgeOnceMore(unit: Unit, packet: PacketRow): void {
    const left = this.mayComeMs(packet);
    if (left > 0) unit.enqueue(task('purge-content', packet.id), packet.priority, left + CLOCKS_MS);
  }

  /** For how long content may still come: from a request that was never answered, or by an address that the source still holds. */
  private mayComeMs({ protocol, round, receivedAt, finishedAt, createdAt, ...packet }: PacketRow): number {
    const now = nowBy(packet).getTime();
    if (protocol === 'inline' && round === 1) return receivedAt ? 0 : finishedAt!.getTime() + STORING_MS - now;
    if (!this.storage.uploadsOutlivePurge) return 0;
    return (receivedAt ?? finishedAt ?? createdAt).getTime() + LIMITS.uploadAddressSeconds * 1000 - now;
  }
}
