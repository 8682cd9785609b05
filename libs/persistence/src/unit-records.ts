import { type EventType, priorityRank } from '@lienthong/contracts';
import { type AuditRecord, insertEntries } from './audit/audit-record';
import type { OutboxRow } from './outbox.store';

export interface EventRecord {
  id: string;
  systemId: string;
  type: EventType;
  packetId?: string;
  deliveryId?: string;
  data: object;
}

export interface ReceiptRecord {
  jti: string;
  packetId: string;
  deliveryId: string | null;
  event: string;
  at: string;
  jws: string;
}

/** Each list may be empty; PostgreSQL keeps the plan. Identity columns follow the order of the lists. */
const WRITE = `
  WITH entries AS (
    ${insertEntries('$1')}),
  told AS (
    INSERT INTO events (id, system_id, type, packet_id, delivery_id, data)
    SELECT id, "systemId", type, "packetId", "deliveryId", data
    FROM jsonb_to_recordset($2) AS event (id uuid, "systemId" text, type text, "packetId" uuid, "deliveryId" uuid, data jsonb)),
  signed AS (
    INSERT INTO receipts (jti, packet_id, delivery_id, event, at, jws)
    SELECT jti, "packetId", "deliveryId", event, at, jws
    FROM jsonb_to_recordset($3) AS receipt (jti uuid, "packetId" uuid, "deliveryId" uuid, event text, at timestamptz, jws text)),
  chained AS (
    UPDATE packets SET receipt_hash = hash FROM jsonb_to_recordset($4) AS newest ("packetId" uuid, hash text) WHERE id = "packetId")
  INSERT INTO outbox (id, kind, packet_id, priority, attempt, available_at)
  SELECT id, kind, "packetId", priority, attempt, now() + make_interval(secs => "delayMs" / 1000.0)
  FROM jsonb_to_recordset($5) AS task (id uuid, kind text, "packetId" uuid, priority smallint, attempt int, "delayMs" bigint)`;

/** Time that the process which committed has to send a task by itself before a relay takes the row. */
export const GRACE_MS = 2000;

/**
 * What a unit of work appends: audit entries, events, receipts, tasks. Collected and written in one statement, so that a step costs one round trip
 * more than the state change itself, however much it tells.
 */
export class UnitRecords {
  readonly audit: AuditRecord[] = [];
  readonly events: EventRecord[] = [];
  readonly receipts: ReceiptRecord[] = [];
  readonly tasks: OutboxRow[] = [];
  /** Hash of the newest receipt of each packet: the next one's `prev`. */
  readonly receiptHashes = new Map<string, string>();

  async write(on: { query(sql: string, parameters: unknown[]): Promise<unknown> }): Promise<void> {
    if (this.audit.length + this.events.length + this.receipts.length + this.tasks.length === 0) return;
    const hashes = [...this.receiptHashes].map(([packetId, hash]) => ({ packetId, hash }));
    const tasks = this.tasks.map(({ id, task, priority, attempt, delayMs }) => ({
      id,
      kind: task.kind,
      packetId: task.packetId,
      priority: priorityRank(priority),
      attempt,
      delayMs: Math.max(delayMs, GRACE_MS),
    }));
    await on.query(
      WRITE,
      [this.audit, this.events, this.receipts, hashes, tasks].map((list) => JSON.stringify(list)),
    );
  }
}
