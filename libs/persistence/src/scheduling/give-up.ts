import { iso } from '../times';
import type { UndeliverableReason } from '@lienthong/contracts';
import type { EventStreamStore } from '../exchange/event-stream.store';
import { type PacketStore, partsOf } from '../exchange/packet.store';
import type { ReceiptStore } from '../exchange/receipt.store';
import type { PacketRow } from '../exchange/rows';
import type { SettlePacket } from '../exchange/settle-packet';
import type { TimelineStore } from '../exchange/timeline.store';
import type { Transactions, Unit } from '../transactions';
import { AFTER_THE_END } from './after-the-end';
import type { EndingDelivery, UndeliverableStore } from './undeliverable.store';

/**
 * Ends deliveries without their destination and reports each of them to the source, once: the state that is reported is final. A report is an
 * event, not a packet, so that there is none about a report.
 */
export class GiveUp {
  constructor(
    private readonly transactions: Transactions,
    private readonly undeliverable: UndeliverableStore,
    private readonly packets: PacketStore,
    private readonly events: EventStreamStore,
    private readonly receipts: ReceiptStore,
    private readonly timeline: TimelineStore,
    private readonly settle: SettlePacket,
  ) {}

  /** What is past its deadline. @returns how many deliveries ended */
  overdue(packetId: string): Promise<number> {
    return this.transactions.run(async (unit) => {
      const packet = await this.packets.lock(unit, packetId);
      return packet ? this.end(unit, packet, await this.undeliverable.ending(unit, packet, 'overdue')) : 0;
    });
  }

  /** All that is live, because these parts are no longer whole. @returns how many deliveries ended */
  contentLost(packetId: string, lost: string[]): Promise<number> {
    return this.transactions.run(async (unit) => {
      const packet = await this.packets.lock(unit, packetId);
      if (packet?.state !== 'scheduled') return 0;
      return this.end(unit, packet, await this.undeliverable.ending(unit, packet, 'live'), lost);
    });
  }

  private async end(unit: Unit, packet: PacketRow, ending: EndingDelivery[], lost?: string[]): Promise<number> {
    if (ending.length === 0) return 0;
    const ended = ending.map((delivery) => ({
      ...delivery,
      reasonCode: lost ? ('content_lost' as const) : reasonOf(delivery),
    }));
    const parts = await partsOf(unit, packet.id);
    await this.undeliverable.end(
      unit,
      ended.map(({ id, reasonCode, history }) => ({ id, reasonCode, history })),
    );
    for (const { id: deliveryId, systemId, address, reasonCode, attempt, deliverBy, history } of ended) {
      const detail = {
        reasonCode,
        attempts: attempt,
        deliverBy: iso(deliverBy),
        history,
        canDo: AFTER_THE_END,
        ...(lost ? { lostParts: lost } : {}),
      };
      const receipt = await this.receipts.append(unit, packet, [
        { event: 'delivery.undeliverable', to: [systemId], parts, deliveryId, detail },
      ]);
      this.timeline.add(unit, packet.id, [{ event: 'delivery.undeliverable', deliveryId, detail }]);
      const data = { packetId: packet.id, deliveryId, systemId, address, ...detail, receipt };
      this.events.add(unit, [
        { systemId: packet.source, type: 'delivery.undeliverable', packetId: packet.id, deliveryId, data },
      ]);
    }
    await this.settle.ifAllFinal(unit, packet);
    return ended.length;
  }
}

/** Why it could not be delivered: from how far it came, and from what was seen of its system. */
export function reasonOf({
  state,
  attempt,
  noRoute,
  history,
}: Pick<EndingDelivery, 'state' | 'attempt' | 'noRoute' | 'history'>): UndeliverableReason {
  if (state === 'ready') return 'fetched_not_confirmed';
  if (noRoute) return 'no_route';
  if (attempt > 1) return 'rejected';
  const seen = history.connections.count > 0 || history.polledAt !== null;
  return state === 'notified' || seen ? 'online_not_fetched' : 'never_online';
}
