import type { TimelineEntry } from '@lienthong/contracts';
import type { Transactions, Unit } from '../transactions';

export interface NewTimelineEntry {
  event: string;
  deliveryId?: string;
  detail?: Record<string, unknown>;
}

/** What happened to a packet, in the order of its transactions; for the clerk who asks where it is. */
export class TimelineStore {
  constructor(private readonly transactions: Transactions) {}

  async add(unit: Unit, packetId: string, entries: NewTimelineEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await unit.query(
      `INSERT INTO timeline (packet_id, delivery_id, event, detail)
       SELECT $1, "deliveryId", event, detail
       FROM jsonb_to_recordset($2) AS entry ("deliveryId" uuid, event text, detail jsonb)`,
      [packetId, JSON.stringify(entries)],
    );
  }

  /** @param deliveryId only the entries of the packet as a whole and of this delivery: what a destination may see */
  async of(packetId: string, deliveryId?: string): Promise<TimelineEntry[]> {
    const rows = await this.transactions.query<{
      at: Date;
      event: string;
      delivery: string | null;
      detail: Record<string, unknown> | null;
    }>(
      `SELECT at, event, delivery_id AS delivery, detail FROM timeline
       WHERE packet_id = $1 AND ($2::uuid IS NULL OR delivery_id IS NULL OR delivery_id = $2) ORDER BY seq`,
      [packetId, deliveryId ?? null],
    );
    return rows.map(({ at, event, delivery, detail }) => ({
      at: at.toISOString(),
      event,
      ...(delivery ? { delivery } : {}),
      ...(detail ? { detail } : {}),
    }));
  }
}
