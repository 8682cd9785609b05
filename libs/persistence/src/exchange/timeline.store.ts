import { PACKET_ACTIONS, type PacketAction, type TimelineEntry } from '@lienthong/contracts';
import { auditRecord } from '../audit/audit-record';
import type { Transactions, Unit } from '../transactions';

export interface NewTimelineEntry {
  event: PacketAction;
  deliveryId?: string;
  detail?: Record<string, unknown>;
}

/** Clocks of those who name packets and of the database. */
const CLOCKS_MS = 3_600_000;

/** What happened to a packet, in the order of its transactions, for the clerk who asks where it is: the part of the audit log that its parties may see. */
export class TimelineStore {
  constructor(private readonly transactions: Transactions) {}

  add(unit: Unit, packetId: string, entries: NewTimelineEntry[]): void {
    unit.records.audit.push(
      ...entries.map(({ event, ...entry }) => auditRecord({ action: event, packetId, ...entry })),
    );
  }

  /** @param deliveryIds only the entries of the packet as a whole and of these deliveries: what a destination may see */
  async of(packetId: string, deliveryIds?: string[]): Promise<Omit<TimelineEntry, 'sentence'>[]> {
    const rows = await this.transactions.query<{
      at: Date;
      event: string;
      delivery: string | null;
      detail: Record<string, unknown> | null;
    }>(
      `SELECT at, action AS event, delivery_id AS delivery, detail FROM audit_entries
       WHERE packet_id = $1 AND at >= $4 AND action = ANY($3) AND ($2::uuid[] IS NULL OR delivery_id IS NULL OR delivery_id = ANY($2)) ORDER BY at, id`,
      [packetId, deliveryIds ?? null, PACKET_ACTIONS, madeAfter(packetId)],
    );
    return rows.map(({ at, event, delivery, detail }) => ({
      at: at.toISOString(),
      event,
      ...(delivery ? { delivery } : {}),
      ...(detail ? { detail } : {}),
    }));
  }
}

/** A UUID of version 7 tells when it was made: months before need not be looked through. */
const madeAfter = (id: string): Date =>
  new Date(id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) - CLOCKS_MS : 0);
