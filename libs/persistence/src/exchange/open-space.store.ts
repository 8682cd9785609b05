import type { Transactions } from '../transactions';

/** What a source has allocated and not completed: it costs the store nothing yet, but could at any moment. */
export class OpenSpaceStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /**
   * Spaces of a source that are open now, and the bytes that were declared for them (index `packets_live`).
   * @param most counted up to here
   */
  async of(source: string, most: number): Promise<{ spaces: number; bytes: number }> {
    const [row] = await this.transactions.query<{ spaces: number; bytes: string }>(
      `SELECT count(*)::int AS spaces, coalesce(sum(bytes), 0) AS bytes FROM (
         SELECT (SELECT sum(size) FROM parts WHERE packet_id = packets.id) AS bytes
         FROM packets WHERE source = $1 AND state = 'open' AND space_expires_at > now() LIMIT $2) open`,
      [source, most],
    );
    return { spaces: row.spaces, bytes: Number(row.bytes) };
  }
}
