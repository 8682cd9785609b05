import type { Transactions } from '../transactions';

/** Content that was to be deleted and is still there, whatever the reason: it fills the store. */
export class PurgeBacklogStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /**
   * Reads `most` entries of the index `packets_to_purge` at most.
   * @param late how long after it was due a purge counts as late, s
   * @returns `overdueSeconds`: of the purge that is overdue most; `late`: how many packets' purges are late, counted up to `most`
   */
  async look(late: number, most: number): Promise<{ overdueSeconds: number; late: number }> {
    const [row] = await this.transactions.query<{ seconds: string; late: number }>(
      `SELECT coalesce(extract(epoch FROM now() - min(purge_after)), 0) AS seconds,
              count(*) FILTER (WHERE purge_after < now() - make_interval(secs => $1))::int AS late
       FROM (SELECT purge_after FROM packets WHERE purged_at IS NULL AND purge_after IS NOT NULL AND purge_after <= now()
             ORDER BY purge_after LIMIT $2) due`,
      [late, most],
    );
    return { overdueSeconds: Number(row.seconds), late: row.late };
  }
}
