import { PRIORITIES, type Priority, type Task, type TaskKind } from '@lienthong/contracts';
import { LIVE } from './rows';
import type { Transactions } from '../transactions';

/** What the timers look for. Every query reads a partial index of what is not final: its cost does not grow with what is done. */
export class WatchStore {
  constructor(private readonly transactions: Transactions) {}

  /** Packets whose space ran out. */
  async unusedSpaces(limit: number): Promise<string[]> {
    return this.ids(
      `SELECT id FROM packets WHERE state = 'open' AND space_expires_at <= now() ORDER BY space_expires_at LIMIT $1`,
      limit,
    );
  }

  /** Packets with a delivery past its deadline. */
  async overdue(limit: number): Promise<string[]> {
    return this.ids(
      `SELECT DISTINCT packet_id AS id FROM (SELECT packet_id FROM deliveries WHERE deliver_by <= now() AND state IN ${LIVE} ORDER BY deliver_by LIMIT $1) due`,
      limit,
    );
  }

  /**
   * Work that stands still although its task should have been sent long ago: the broker lost it. Marks it as driven now, so that it comes
   * again only after another `quietSeconds`; skips what is in the dead letters, for that waits for a person.
   */
  async lost(quietSeconds: number, limit: number): Promise<{ task: Task; priority: Priority }[]> {
    const rows = await this.transactions.query<{ kind: TaskKind; packet_id: string; priority: number }>(
      `WITH quiet AS (SELECT now() - make_interval(secs => $1) AS since),
       received AS (
         UPDATE packets SET driven_at = now() WHERE id IN (
           SELECT id FROM packets, quiet WHERE state = 'received' AND turn_at < quiet.since AND driven_at < quiet.since
             AND NOT EXISTS (SELECT 1 FROM dead_tasks WHERE packet_id = packets.id AND kind = 'analyse-packet')
           ORDER BY driven_at LIMIT $2 FOR UPDATE OF packets SKIP LOCKED)
         RETURNING 'analyse-packet' AS kind, id AS packet_id, priority),
       unannounced AS (
         UPDATE deliveries SET driven_at = now() WHERE id IN (
           SELECT id FROM deliveries, quiet WHERE announced < attempt AND state = 'pending' AND available_at < quiet.since AND driven_at < quiet.since
             AND NOT EXISTS (SELECT 1 FROM dead_tasks WHERE packet_id = deliveries.packet_id AND kind = 'notify-destination')
           ORDER BY available_at LIMIT $2 FOR UPDATE OF deliveries SKIP LOCKED)
         RETURNING 'notify-destination' AS kind, packet_id, priority),
       unpurged AS (
         UPDATE packets SET driven_at = now() WHERE id IN (
           SELECT id FROM packets, quiet WHERE purged_at IS NULL AND purge_after IS NOT NULL AND purge_after < quiet.since AND driven_at < quiet.since
             AND NOT EXISTS (SELECT 1 FROM dead_tasks WHERE packet_id = packets.id AND kind = 'purge-content')
           ORDER BY purge_after LIMIT $2 FOR UPDATE OF packets SKIP LOCKED)
         RETURNING 'purge-content' AS kind, id AS packet_id, priority)
       SELECT * FROM received UNION SELECT * FROM unannounced UNION SELECT * FROM unpurged`,
      [quietSeconds, limit],
    );
    return rows.map((row) => ({
      task: { v: 1, kind: row.kind, packetId: row.packet_id },
      priority: PRIORITIES[row.priority],
    }));
  }

  /** Deletes what has served its time, in bounded bites; sums up the counts of finished packets. @returns rows removed */
  async forget(eventsKeptSeconds: number, limit: number): Promise<number> {
    const counts = await Promise.all([
      this.removed(
        `DELETE FROM nonces WHERE ctid = ANY(ARRAY(SELECT ctid FROM nonces WHERE expires_at < now() LIMIT $1))`,
        [limit],
      ),
      this.removed(
        `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < now() - interval '1 day' LIMIT $1)`,
        [limit],
      ),
      this.removed(`DELETE FROM stream_tickets WHERE expires_at < now()`, []),
      // A window is a day at most.
      this.removed(`DELETE FROM urgent_packets WHERE "window" < now() - interval '2 days'`, []),
      this.removed(
        `WITH old AS (DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE at < now() - make_interval(secs => $2) AND "offset" IS NOT NULL
                        ORDER BY at LIMIT $1) RETURNING system_id, "offset"),
              marked AS (UPDATE streams SET forgotten = GREATEST(forgotten, last) FROM (SELECT system_id, max("offset") AS last FROM old GROUP BY 1) o
                         WHERE o.system_id = streams.system_id RETURNING 1)
         SELECT 1 FROM old, (SELECT count(*) FROM marked) m`,
        [limit, eventsKeptSeconds],
      ),
    ]);
    await this.transactions.query(
      `WITH many AS (SELECT source, state FROM finished_packets GROUP BY source, state HAVING count(*) > 100),
            taken AS (DELETE FROM finished_packets f USING many WHERE f.source = many.source AND f.state = many.state RETURNING f.source, f.state, f.n)
       INSERT INTO finished_packets (source, state, n) SELECT source, state, sum(n) FROM taken GROUP BY source, state`,
    );
    return counts.reduce((sum, n) => sum + n, 0);
  }

  private async ids(sql: string, limit: number): Promise<string[]> {
    return (await this.transactions.query<{ id: string }>(sql, [limit])).map((row) => row.id);
  }

  private async removed(sql: string, parameters: unknown[]): Promise<number> {
    return (await this.transactions.query(sql.startsWith('DELETE') ? `${sql} RETURNING 1` : sql, parameters)).length;
  }
}
