import type { DeliveryState } from '@lienthong/contracts';
import {
  DeliveryStore,
  EventStreamStore,
  PacketStore,
  partsOf,
  ReceiptStore,
  SettlePacket,
  TimelineStore,
  Transactions,
  WatchStore,
} from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';

const BATCH = 200;

/** Why it could not be delivered, from how far it came. */
const REASONS: Partial<Record<DeliveryState, string>> = {
  pending: 'never_online',
  notified: 'online_not_fetched',
  ready: 'fetched_not_confirmed',
};

/** Ends what was not confirmed by its deadline and reports back to the source, so that it decides (Q11). */
@Injectable()
export class WatchDeadlines {
  constructor(
    private readonly transactions: Transactions,
    private readonly watch: WatchStore,
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly events: EventStreamStore,
    private readonly receipts: ReceiptStore,
    private readonly timeline: TimelineStore,
    private readonly settle: SettlePacket,
  ) {}

  /** @returns packets that had something overdue */
  async pass(): Promise<number> {
    const packetIds = await this.watch.overdue(BATCH);
    for (const packetId of packetIds) await this.giveUp(packetId);
    return packetIds.length;
  }

  private async giveUp(packetId: string): Promise<void> {
    await this.transactions.run(async (unit) => {
      const packet = await this.packets.lock(unit, packetId);
      if (!packet) return;
      const now = new Date();
      const overdue = (await this.deliveries.live(unit, packetId)).filter(({ deliverBy }) => deliverBy <= now);
      const parts = await partsOf(unit, packetId);
      for (const { id, systemId, state, attempt } of overdue) {
        const reasonCode = REASONS[state] as string;
        await this.deliveries.change(unit, [id], 'undeliverable', { reasonCode });
        const detail = { reasonCode, attempts: attempt, canDo: ['send again', 'send to another address'] };
        const receipt = await this.receipts.append(unit, packet, [
          { event: 'delivery.undeliverable', to: [systemId], parts, deliveryId: id, detail },
        ]);
        this.timeline.add(unit, packetId, [{ event: 'delivery.undeliverable', deliveryId: id, detail }]);
        this.events.add(unit, [
          {
            systemId: packet.source,
            type: 'delivery.undeliverable',
            packetId,
            deliveryId: id,
            data: { packetId, deliveryId: id, systemId, ...detail, receipt },
          },
        ]);
      }
      if (overdue.length > 0) await this.settle.ifAllFinal(unit, packet);
    });
  }
}
