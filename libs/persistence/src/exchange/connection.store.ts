import { v7 as uuidv7 } from 'uuid';
import type { Transactions } from '../transactions';

/** Open streams and who holds them: presence, and the history of connecting and disconnecting (Q11, Q13). */
export class ConnectionStore {
  constructor(private readonly transactions: Transactions) {}

  async open(systemId: string, instance: string, address: string | null): Promise<string> {
    const id = uuidv7();
    await this.transactions.query(
      'INSERT INTO connections (id, system_id, instance, address) VALUES ($1, $2, $3, $4)',
      [id, systemId, instance, address],
    );
    return id;
  }

  /** Once per heartbeat, for all streams of a notifier. */
  async seen(ids: string[]): Promise<void> {
    await this.transactions.query('UPDATE connections SET seen_at = now() WHERE id = ANY($1)', [ids]);
  }

  async close(id: string): Promise<void> {
    await this.transactions.query(
      'UPDATE connections SET closed_at = now(), seen_at = now() WHERE id = $1 AND closed_at IS NULL',
      [id],
    );
  }

  /** Streams of a notifier that died without closing them. */
  async closeForgotten(silentSeconds: number): Promise<void> {
    await this.transactions.query(
      'UPDATE connections SET closed_at = seen_at WHERE closed_at IS NULL AND seen_at < now() - make_interval(secs => $1)',
      [silentSeconds],
    );
  }
}
