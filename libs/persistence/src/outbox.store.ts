import { PRIORITIES, type Priority, type Task } from '@lienthong/contracts';
import { v7 as uuidv7 } from 'uuid';
import type { Transactions } from './transactions';
import { UnitRecords } from './unit-records';

export interface OutboxRow {
  id: string;
  task: Task;
  priority: Priority;
  attempt: number;
  /** Milliseconds from now until it may be sent. */
  delayMs: number;
}

/** A relay that took a row and died: another takes it after this. */
const LEASE_SECONDS = 30;

export const outboxRow = (row: { task: Task; priority: Priority; attempt?: number; delayMs?: number }): OutboxRow => ({
  attempt: 1,
  delayMs: 0,
  ...row,
  id: uuidv7(),
});

export class OutboxStore {
  constructor(private readonly transactions: Transactions) {}

  /** Writes a task for a later try, outside any other transaction. */
  async defer(queued: { task: Task; priority: Priority; attempt: number }, delayMs: number): Promise<void> {
    const { task, priority } = queued;
    const records = new UnitRecords();
    records.tasks.push(outboxRow({ task, priority, attempt: queued.attempt + 1, delayMs }));
    const { text, values } = records.statement()!;
    await this.transactions.query(text, values);
  }

  /** Takes due rows under a lease of 30 s: several relays share the work, a dead one loses nothing. */
  async claim(limit: number): Promise<OutboxRow[]> {
    const rows = await this.transactions.query<{
      id: string;
      kind: Task['kind'];
      packet_id: string;
      priority: number;
      attempt: number;
    }>(
      `UPDATE outbox SET available_at = now() + make_interval(secs => $2)
       WHERE id IN (SELECT id FROM outbox WHERE available_at <= now() ORDER BY available_at LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING id, kind, packet_id, priority, attempt`,
      [limit, LEASE_SECONDS],
    );
    return rows.map((row) => ({
      id: row.id,
      task: { v: 1, kind: row.kind, packetId: row.packet_id },
      priority: PRIORITIES[row.priority],
      attempt: row.attempt,
      delayMs: 0,
    }));
  }

  /**
   * Forgets rows that the broker has durably taken. Nobody waits for this commit to be on disk: what a crash of the server brings back is sent
   * twice, which every handler bears.
   */
  async remove(ids: string[]): Promise<void> {
    await this.transactions.query(
      `WITH unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
       DELETE FROM outbox USING unhurried WHERE id = ANY($1)`,
      [ids],
    );
  }

  /** Whether so many rows are unsent; looks at no more than that many entries of an index. */
  async atLeast(rows: number): Promise<boolean> {
    const [{ n }] = await this.transactions.query<{ n: string }>(
      'SELECT count(*) AS n FROM (SELECT 1 FROM outbox WHERE available_at IS NOT NULL LIMIT $1) AS unsent',
      [rows],
    );
    return Number(n) >= rows;
  }

  /**
   * For how long the task that is overdue most has been due without any relay having tried it, s (one look into the index `outbox_due`). A broker that is
   * away does not make it grow, as long as the relays come round within their leases; too much work does, and relays that are away.
   */
  async overdueSeconds(): Promise<number> {
    const [row] = await this.transactions.query<{ seconds: string }>(
      `SELECT extract(epoch FROM now() - available_at) AS seconds FROM outbox WHERE available_at <= now() ORDER BY available_at LIMIT 1`,
    );
    return Number(row?.seconds ?? 0);
  }

  /** Unsent rows per kind and priority with the age of the oldest in seconds: what the broker has not taken yet. */
  async depths(): Promise<{ kind: string; priority: Priority; waiting: number; oldestSeconds: number }[]> {
    const rows = await this.transactions.query<{ kind: string; priority: number; waiting: string; oldest: string }>(
      `SELECT kind, priority, count(*) AS waiting, extract(epoch FROM now() - min(created_at)) AS oldest
       FROM outbox GROUP BY kind, priority`,
    );
    return rows.map((row) => ({
      kind: row.kind,
      priority: PRIORITIES[row.priority],
      waiting: Number(row.waiting),
      oldestSeconds: Number(row.oldest),
    }));
  }
}
