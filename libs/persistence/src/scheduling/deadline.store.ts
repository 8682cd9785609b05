import type { PolicySources } from '@lienthong/contracts';
import {
  DELIVERY,
  deliveryOf,
  type DeliveryRow,
  LIVE,
  nowBy,
  type PacketRow,
  type StoredDelivery,
} from '../exchange/rows';
import type { Transactions, Unit } from '../transactions';
import { nextWarning } from './next-warning';

/** The time to a deadline: warnings on the way to it, and its extension. Every look reads a partial index of what is live. */
export class DeadlineStore {
  constructor(private readonly transactions: Transactions) {}

  /** Packets with a delivery whose next warning is due: one look at an index, however much waits. */
  async toWarn(limit: number): Promise<string[]> {
    const rows = await this.transactions.query<{ id: string }>(
      `SELECT DISTINCT packet_id AS id FROM (
         SELECT packet_id FROM deliveries WHERE warn_at <= now() AND state IN ${LIVE} ORDER BY warn_at LIMIT $1) due`,
      [limit],
    );
    return rows.map(({ id }) => id);
  }

  /** The deliveries of a held packet whose warning is due. */
  async dueOf(unit: Unit, packetId: string): Promise<(DeliveryRow & { available: boolean })[]> {
    const rows = await unit.query<StoredDelivery & { available: boolean }>(
      `SELECT ${DELIVERY}, available_at <= now() AS available FROM deliveries
       WHERE packet_id = $1 AND warn_at <= now() AND state IN ${LIVE} ORDER BY id`,
      [packetId],
    );
    return rows.map((row) => ({ ...deliveryOf(row), available: row.available }));
  }

  /** When each is warned of next; the packet is held. */
  async setNext(unit: Unit, packet: PacketRow, deliveries: DeliveryRow[], deliverBy?: Date): Promise<void> {
    await unit.query(
      `UPDATE deliveries SET warn_at = next."warnAt", deliver_by = coalesce($2, deliver_by)
       FROM jsonb_to_recordset($1) AS next (id uuid, "warnAt" timestamptz) WHERE deliveries.id = next.id AND state IN ${LIVE}`,
      [
        JSON.stringify(
          deliveries.map((delivery) => ({
            id: delivery.id,
            warnAt: pointsOf(packet, { ...delivery, deliverBy: deliverBy ?? delivery.deliverBy }).next?.at ?? null,
          })),
        ),
        deliverBy ?? null,
      ],
    );
  }

  /** Another deadline for a held packet and what of it is live. */
  async extend(unit: Unit, packet: PacketRow, live: DeliveryRow[], deliverBy: Date): Promise<void> {
    const sources: PolicySources = { ...packet.policySources, deliverBy: 'extension' };
    const policy = { ...packet.policy, deliverBy: deliverBy.toISOString() };
    await unit.query('UPDATE packets SET deliver_by = $2, policy = $3, policy_sources = $4 WHERE id = $1', [
      packet.id,
      deliverBy,
      JSON.stringify(policy),
      JSON.stringify(sources),
    ]);
    await this.setNext(unit, packet, live, deliverBy);
  }
}

/** The time from a delivery's beginning to its deadline is looked at in steps of this part: nearer points are one warning. */
const STEP = 0.001;

/** The points of a delivery that were passed last, and that comes next. */
export function pointsOf(
  packet: PacketRow,
  { createdAt, deliverBy, warnAt }: DeliveryRow,
  now = nowBy(packet),
): { passed?: number; next?: { at: Date; fraction: number } } {
  const { policy } = packet;
  const after = policy.deliverAfter ? Date.parse(policy.deliverAfter) : 0;
  const from = new Date(Math.max(createdAt.getTime(), after));
  const whole = deliverBy.getTime() - from.getTime();
  // What was due is passed, whatever the clocks of this process and the database think of each other.
  const reached = Math.max(now.getTime(), warnAt && warnAt <= now ? warnAt.getTime() : 0) + whole * STEP;
  const fractions = (policy.warnAt ?? []).filter((one) => from.getTime() + whole * one <= reached);
  return {
    passed: fractions.length > 0 ? Math.max(...fractions) : undefined,
    next: nextWarning(policy.warnAt ?? [], from, deliverBy, new Date(reached)),
  };
}
