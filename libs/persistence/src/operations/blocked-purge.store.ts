import type { Transactions, Unit } from '../transactions';

/** Packets whose content the store would not delete: an alarm, until somebody ends what holds it. */
export class BlockedPurgeStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** @returns true for the first time */
  async note(unit: Unit, packetId: string): Promise<boolean> {
    const rows = await unit.query(
      'UPDATE packets SET purge_blocked_at = now() WHERE id = $1 AND purge_blocked_at IS NULL AND purged_at IS NULL RETURNING id',
      [packetId],
    );
    return rows.length > 0;
  }

  /** How many there are now (index `packets_purge_blocked`). */
  async count(): Promise<number> {
    const [{ n }] = await this.transactions.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM packets WHERE purge_blocked_at IS NOT NULL AND purged_at IS NULL',
    );
    return n;
  }
}
