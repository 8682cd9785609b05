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

  add(unit: Unit, packetId: string, entries: NewTimelineEntry[]): void {
    unit.records.timeline.push(...entries.map((entry) => ({ packetId, ...entry })));
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
