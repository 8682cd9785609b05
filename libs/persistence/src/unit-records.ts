import { type EventType, type PacketState, priorityRank } from '@lienthong/contracts';
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

/** What is appended, each list in one INSERT; `$` stands for the list. Identity columns follow the order of the lists. */
const APPENDED = {
  audit: insertEntries('$'),
  events: `INSERT INTO events (id, system_id, type, packet_id, delivery_id, data)
    SELECT id, "systemId", type, "packetId", "deliveryId", data
    FROM jsonb_to_recordset($) AS event (id uuid, "systemId" text, type text, "packetId" uuid, "deliveryId" uuid, data jsonb)`,
  receipts: `INSERT INTO receipts (jti, packet_id, delivery_id, event, at, jws)
    SELECT jti, "packetId", "deliveryId", event, at, jws
    FROM jsonb_to_recordset($) AS receipt (jti uuid, "packetId" uuid, "deliveryId" uuid, event text, at timestamptz, jws text)`,
  finished: `INSERT INTO finished_packets (source, state) SELECT source, state FROM jsonb_to_recordset($) AS finished (source text, state text)`,
  // Not joined to a set made of JSON: PostgreSQL takes that for 100 rows, and reads all of a small table for them.
  hashes: `UPDATE packets SET receipt_hash = $::jsonb ->> id::text WHERE id = ANY (ARRAY(SELECT jsonb_object_keys($::jsonb))::uuid[])`,
  tasks: `INSERT INTO outbox (id, kind, packet_id, priority, attempt, available_at)
    SELECT id, kind, "packetId", priority, attempt, now() + make_interval(secs => "delayMs" / 1000.0)
    FROM jsonb_to_recordset($) AS task (id uuid, kind text, "packetId" uuid, priority smallint, attempt int, "delayMs" bigint)`,
};

/** A guarded change of rows that nothing in the unit reads before its next statement. */
export interface Change {
  /** Ids of the rows: two changes of one row never go into one statement, where the second would be lost. */
  of: string[];
  /** An UPDATE … RETURNING with its own `$1` and on; may begin with WITH. */
  sql: string;
  /** Called when the statement is made. */
  parameters: () => unknown[];
  /** How many rows it must change; otherwise nothing of the unit is written. */
  rows: number;
  /** Why it did not. */
  otherwise: () => Promise<Error>;
}

const texts = new Map<string, string>();

/** Time that the process which committed has to send a task by itself before a relay takes the row. */
export const GRACE_MS = 2000;

/**
 * What a unit of work appends: audit entries, events, receipts, tasks. Collected and written in one statement, together with the changes of state
 * that it tells of.
 */
export class UnitRecords {
  readonly audit: AuditRecord[] = [];
  readonly events: EventRecord[] = [];
  readonly receipts: ReceiptRecord[] = [];
  readonly tasks: OutboxRow[] = [];
  /** Packets that reach a final state: counted apart, so that counting never reads what is done. */
  readonly finished: { source: string; state: PacketState }[] = [];
  /** Hash of the newest receipt of each packet: the next one's `prev`. */
  readonly receiptHashes = new Map<string, string>();

  /** The hash that a change of the packet's row writes with it; it is not written again. */
  takeHash(packetId: string): string | null {
    const hash = this.receiptHashes.get(packetId) ?? null;
    this.receiptHashes.delete(packetId);
    return hash;
  }

  /**
   * One statement for changes and all that is appended so far: the latter only if every change met the rows it must.
   * @returns undefined when there is nothing to write; its one row tells in `c0`, `c1` … how many rows each change met
   */
  statement(changes: Change[] = []): { text: string; values: unknown[] } | undefined {
    const changed = changes.map(({ parameters }) => parameters());
    const lists = this.lists();
    if (changes.length === 0 && lists.length === 0) return undefined;
    const key = [...changes.map(({ sql }) => sql), ...lists.map(({ name }) => name)].join('\n');
    let text = texts.get(key);
    if (text === undefined) {
      text = textOf(
        changes.map(({ sql }, index) => ({ sql, parameters: changed[index].length })),
        lists.map(({ name }) => name),
      );
      texts.set(key, text);
    }
    const values = [...changed.flat(), ...changes.map(({ rows }) => rows), ...lists.map(({ json }) => json)];
    return { text, values };
  }

  /** An entry of what a receipt was written for names that receipt: the sealed log holds the receipts too (invariant S15). */
  private withReceipts(): AuditRecord[] {
    if (this.receipts.length === 0) return this.audit;
    const jtis = new Map(this.receipts.map((one) => [happeningOf(one.event, one.packetId, one.deliveryId), one.jti]));
    return this.audit.map((entry) => {
      const jti = jtis.get(happeningOf(entry.action, entry.packetId, entry.deliveryId));
      return jti === undefined || entry.subject !== undefined ? entry : { ...entry, subject: jti };
    });
  }

  private lists(): { name: keyof typeof APPENDED; json: string }[] {
    const tasks = this.tasks.map(({ id, task, priority, attempt, delayMs }) => ({
      id,
      kind: task.kind,
      packetId: task.packetId,
      priority: priorityRank(priority),
      attempt,
      delayMs: Math.max(delayMs, GRACE_MS),
    }));
    const all = {
      audit: this.withReceipts(),
      events: this.events,
      receipts: this.receipts,
      finished: this.finished,
      hashes: [...this.receiptHashes],
      tasks,
    };
    return (Object.keys(APPENDED) as (keyof typeof APPENDED)[])
      .filter((name) => all[name].length > 0)
      .map((name) => ({
        name,
        json: JSON.stringify(name === 'hashes' ? Object.fromEntries(this.receiptHashes) : all[name]),
      }));
  }
}

/** What an entry and a receipt must share to tell of the same. */
const happeningOf = (happening: string, packetId?: string, deliveryId?: string | null): string =>
  `${happening} ${packetId} ${deliveryId ?? ''}`;

function textOf(changes: { sql: string; parameters: number }[], lists: (keyof typeof APPENDED)[]): string {
  let last = 0;
  const parts = changes.map(({ sql, parameters }, index) => {
    const before = last;
    last += parameters;
    return `change_${index} AS (${sql.replaceAll(/\$(\d+)/g, (_, n) => `$${before + Number(n)}`)})`;
  });
  const met = changes.map((_, index) => `(SELECT count(*) FROM change_${index}) = $${(last += 1)}::int`);
  if (changes.length > 0) parts.push(`met AS (SELECT ${met.join(' AND ')} AS all_of_them)`);
  for (const name of lists) {
    last += 1;
    const sql = APPENDED[name].replaceAll('$', () => `$${last}`);
    const only = changes.length > 0 ? ` ${name === 'hashes' ? 'AND' : 'WHERE'} (SELECT all_of_them FROM met)` : '';
    parts.push(`${name} AS (${sql}${only})`);
  }
  const counts = changes.map((_, index) => `(SELECT count(*) FROM change_${index})::int AS c${index}`);
  return `WITH ${parts.join(',\n')}\nSELECT ${counts.join(', ') || '1'}`;
}
