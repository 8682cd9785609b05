import { type DeliveryState, LienThongError, type PacketState, type RecallAnswer } from '@lienthong/contracts';
import {
  type DeliveryRow,
  DeliveryStore,
  EventStreamStore,
  iso,
  type PacketRow,
  PacketStore,
  partsOf,
  ReceiptStore,
  TimelineStore,
  Transactions,
  type Unit,
} from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';

/** The source takes back every delivery that is not accepted yet; those that accepted are asked, and the answer says which is which. */
@Injectable()
export class RecallPacket {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly events: EventStreamStore,
    private readonly receipts: ReceiptStore,
    private readonly timeline: TimelineStore,
  ) {}

  async recall(systemId: string, packetId: string, reason: string): Promise<RecallAnswer> {
    await this.packets.own(systemId, packetId);
    await this.transactions.run(async (unit) => {
      const packet = (await this.packets.lock(unit, packetId)) as PacketRow;
      if (packet.state === 'recalled') return;
      if (packet.state === 'expired' || packet.state === 'refused')
        throw new LienThongError('wrong_state', { state: packet.state, action: 'recall' }, { state: packet.state });
      const fetched = await this.fetched(unit, packetId);
      const taken = await this.takeBack(unit, packet, reason);
      await this.ask(unit, packet, reason);
      if (packet.state === 'completed') return;
      await this.receipts.append(unit, packet, [
        {
          event: 'packet.recalled',
          to: taken.map((delivery) => delivery.systemId),
          parts: await partsOf(unit, packet.id),
          detail: {
            reason,
            deliveries: taken.map((delivery) => ({ ...partyOf(delivery), ...fetched.get(delivery.id) })),
          },
        },
      ]);
      await this.packets.finish(unit, packet, 'recalled');
      this.timeline.add(unit, packet.id, [{ event: 'packet.recalled', detail: { reason } }]);
    });
    return this.answer(packetId);
  }

  private async takeBack(unit: Unit, packet: PacketRow, reason: string) {
    const live = await this.deliveries.live(unit, packet.id);
    if (live.length === 0) return [];
    await this.deliveries.change(
      unit,
      live.map(({ id }) => id),
      'recalled',
      { reason },
    );
    this.timeline.add(
      unit,
      packet.id,
      live.map(({ id }) => ({ event: 'delivery.recalled', deliveryId: id })),
    );
    const told = live.filter((delivery) => delivery.announced > 0 || delivery.state !== 'pending');
    this.events.add(
      unit,
      told.map(({ id, systemId }) => ({
        systemId,
        type: 'packet.recalled',
        packetId: packet.id,
        deliveryId: id,
        data: { packetId: packet.id, deliveryId: id, reason },
      })),
    );
    return live;
  }

  /** Which destinations had been given addresses to fetch from, and since when: their copies cannot be taken back. */
  private async fetched(on: Pick<Unit, 'query'>, packetId: string): Promise<Map<string, Fetched>> {
    const rows = await on.query<{ id: string; system: string; agency: string; at: Date }>(
      `SELECT d.id, s.name AS system, a.name AS agency, min(r.at) AS at
       FROM receipts r JOIN deliveries d ON d.id = r.delivery_id JOIN systems s ON s.id = d.system_id JOIN agencies a ON a.code = s.agency_code
       WHERE r.packet_id = $1 AND r.event = 'delivery.ready' GROUP BY d.id, s.name, a.name`,
      [packetId],
    );
    return new Map(rows.map(({ id, at, ...names }) => [id, { ...names, fetchedAt: iso(at) }]));
  }

  /** Whoever accepted already keeps its copy; it learns of the wish, once per call. */
  private async ask(unit: Unit, packet: PacketRow, reason: string): Promise<void> {
    const accepted = await unit.query<{ id: string; systemId: string }>(
      `SELECT id, system_id AS "systemId" FROM deliveries WHERE packet_id = $1 AND state = 'accepted'`,
      [packet.id],
    );
    this.events.add(
      unit,
      accepted.map(({ id, systemId }) => ({
        systemId,
        type: 'packet.recallRequested',
        packetId: packet.id,
        deliveryId: id,
        data: { packetId: packet.id, deliveryId: id, reason },
      })),
    );
    this.timeline.add(
      unit,
      packet.id,
      accepted.map(({ id }) => ({ event: 'packet.recallRequested', deliveryId: id, detail: { reason } })),
    );
  }

  private async answer(packetId: string): Promise<RecallAnswer> {
    const packet = await this.packets.find(packetId);
    const [deliveries, fetched] = await Promise.all([
      this.deliveries.ofPacket(packetId),
      this.fetched(this.transactions, packetId),
    ]);
    return {
      packetId,
      state: packet?.state as PacketState,
      deliveries: deliveries.map(({ deliveryId, systemId, state }) => ({
        deliveryId,
        systemId,
        outcome: OUTCOMES[state] ?? 'alreadyFinal',
        ...(fetched.has(deliveryId) ? { fetchedAt: fetched.get(deliveryId)!.fetchedAt } : {}),
      })),
    };
  }
}

/** Since when the destination could fetch, and its names for people. */
interface Fetched {
  fetchedAt: string;
  system: string;
  agency: string;
}

const partyOf = ({ id, systemId, address, state }: DeliveryRow) => ({
  deliveryId: id,
  systemId,
  address,
  stateBefore: state,
});

const OUTCOMES: Partial<Record<DeliveryState, 'recalled' | 'recallRequested'>> = {
  recalled: 'recalled',
  accepted: 'recallRequested',
};
