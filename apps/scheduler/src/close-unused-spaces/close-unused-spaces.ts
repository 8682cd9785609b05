import {
  nowBy,
  PacketStore,
  partsOf,
  ReceiptStore,
  TimelineStore,
  Transactions,
  WatchStore,
} from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';

const BATCH = 200;

/** A space that was not completed within its time is closed and emptied (protocol 5). */
@Injectable()
export class CloseUnusedSpaces {
  constructor(
    private readonly transactions: Transactions,
    private readonly watch: WatchStore,
    private readonly packets: PacketStore,
    private readonly receipts: ReceiptStore,
    private readonly timeline: TimelineStore,
  ) {}

  /** @returns spaces closed */
  async pass(): Promise<number> {
    const packetIds = await this.watch.unusedSpaces(BATCH);
    for (const packetId of packetIds) await this.close(packetId);
    return packetIds.length;
  }

  private async close(packetId: string): Promise<void> {
    await this.transactions.run(async (unit) => {
      const packet = await this.packets.lock(unit, packetId);
      if (packet?.state !== 'open' || packet.spaceExpiresAt > nowBy(packet)) return;
      await this.receipts.append(unit, packet, [
        { event: 'packet.expired', to: [], parts: await partsOf(unit, packetId) },
      ]);
      await this.packets.finish(unit, packet, 'expired');
      this.timeline.add(unit, packetId, [{ event: 'packet.expired' }]);
    });
  }
}
