import type { DeadTask, Replay, Task, TaskKind } from '@lienthong/contracts';
import { auditRecord } from '../audit/audit-record';
import { iso } from '../times';
import type { Transactions, Unit } from '../transactions';
import { GRACE_MS } from '../unit-records';

export interface DeadTaskFilter {
  kind?: string;
  packetId?: string;
  /** The id where the former page ended. */
  before?: string;
  limit: number;
}

/** Replayed by one statement; more are for the next call. */
const BITE = 1000;

/** Tasks that are not tried again by themselves: for a person, who looks at the reason, mends it and has them tried again. */
export class DeadTaskStore {
  constructor(private readonly transactions: Transactions) {}

  /** Newest first. */
  async list({ kind, packetId, before, limit }: DeadTaskFilter): Promise<DeadTask[]> {
    const rows = await this.transactions.query<Omit<DeadTask, 'at'> & { at: Date }>(
      `SELECT id AS "taskId", kind, packet_id AS "packetId", attempt, reason, at FROM dead_tasks
       WHERE ($1::text IS NULL OR kind = $1) AND ($2::uuid IS NULL OR packet_id = $2) AND ($3::uuid IS NULL OR id < $3)
       ORDER BY id DESC LIMIT $4`,
      [kind ?? null, packetId ?? null, before ?? null, limit],
    );
    return rows.map((row) => ({ ...row, at: iso(row.at) }));
  }

  /** Which of these packets have a task on record here, and of what kind. */
  async of(packetIds: string[]): Promise<{ kind: TaskKind; packetId: string }[]> {
    return this.transactions.query(
      'SELECT DISTINCT kind, packet_id AS "packetId" FROM dead_tasks WHERE packet_id = ANY($1::uuid[])',
      [packetIds],
    );
  }

  /**
   * Records tasks that will not be tried again; one that is on record stays as it is.
   * @param through the unit that this is part of; else it is a statement of its own
   */
  async bury(
    tasks: { id: string; task: Task; attempt: number; reason: string }[],
    through: Pick<Unit, 'query'> = this.transactions,
  ): Promise<void> {
    const rows = tasks.map(({ id, task: { kind, packetId }, attempt, reason }) => ({
      id,
      kind,
      packetId,
      attempt,
      reason: reason.slice(0, 2000),
    }));
    await through.query(
      `INSERT INTO dead_tasks (id, kind, packet_id, attempt, reason)
       SELECT id, kind, "packetId", attempt, reason
       FROM jsonb_to_recordset($1) AS task (id uuid, kind text, "packetId" uuid, attempt int, reason text) ON CONFLICT (id) DO NOTHING`,
      [JSON.stringify(rows)],
    );
  }

  /** How many there are, and the age of the oldest in seconds. */
  async depth(): Promise<{ waiting: number; oldestSeconds: number | null }> {
    const [{ waiting, oldest }] = await this.transactions.query<{ waiting: number; oldest: string | null }>(
      'SELECT count(*)::int AS waiting, extract(epoch FROM now() - min(at)) AS oldest FROM dead_tasks',
    );
    return { waiting, oldestSeconds: oldest === null ? null : Number(oldest) };
  }

  /** Puts them into the outbox as first attempts, each with an audit entry. @returns how many, at most 1,000 */
  async replay({ taskIds, kind, packetId, until }: Replay): Promise<number> {
    return this.transactions.run(async (unit) => {
      const replayed = await unit.query<{ id: string; kind: string; packetId: string }>(
        `WITH chosen AS (
           SELECT id FROM dead_tasks
           WHERE ($1::uuid[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR kind = $2) AND ($3::uuid IS NULL OR packet_id = $3)
             AND ($4::timestamptz IS NULL OR at < $4)
           ORDER BY id LIMIT ${BITE} FOR UPDATE SKIP LOCKED),
         gone AS (DELETE FROM dead_tasks USING chosen WHERE dead_tasks.id = chosen.id RETURNING dead_tasks.id, kind, packet_id),
         queued AS (
           INSERT INTO outbox (id, kind, packet_id, priority, attempt, available_at)
           SELECT gone.id, gone.kind, gone.packet_id, packets.priority, 1, now() + make_interval(secs => ${GRACE_MS / 1000})
           FROM gone JOIN packets ON packets.id = gone.packet_id)
         SELECT id, kind, packet_id AS "packetId" FROM gone`,
        [taskIds ?? null, kind ?? null, packetId ?? null, until ?? null],
      );
      unit.records.audit.push(
        ...replayed.map((task) =>
          auditRecord({
            action: 'task.replayed',
            packetId: task.packetId,
            subject: task.id,
            detail: { kind: task.kind },
          }),
        ),
      );
      return replayed.length;
    });
  }
}
