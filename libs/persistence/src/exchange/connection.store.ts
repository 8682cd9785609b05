import type { ConnectionView } from '@lienthong/contracts';
import { v7 as uuidv7 } from 'uuid';
import { iso, isoOrNull } from '../times';
import type { Transactions } from '../transactions';

export interface ConnectionFilter {
  systemId?: string;
  /** Only those that are open. */
  open: boolean;
  /** The id where the former page ended. */
  before?: string;
  limit: number;
}

type Listed = Pick<ConnectionView, 'connectionId' | 'systemId' | 'instance' | 'address'> & { closedAt: Date | null };

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

  /** Newest first; history is kept as long as the platform's records. */
  async list({ systemId, open, before, limit }: ConnectionFilter): Promise<ConnectionView[]> {
    const rows = await this.transactions.query<Record<'openedAt' | 'seenAt', Date> & Listed>(
      `SELECT id AS "connectionId", system_id AS "systemId", instance, address, opened_at AS "openedAt", closed_at AS "closedAt", seen_at AS "seenAt"
       FROM connections
       WHERE ($1::text IS NULL OR system_id = $1) AND (NOT $2 OR closed_at IS NULL) AND ($3::uuid IS NULL OR id < $3)
       ORDER BY id DESC LIMIT $4`,
      [systemId ?? null, open, before ?? null, limit],
    );
    return rows.map(({ openedAt, seenAt, closedAt, ...row }) => ({
      ...row,
      openedAt: iso(openedAt),
      closedAt: isoOrNull(closedAt),
      seconds: Math.max(0, Math.round(((closedAt ?? seenAt).getTime() - openedAt.getTime()) / 1000)),
    }));
  }

  /** Once per heartbeat, for all streams of a notifier. */
  async seen(ids: string[]): Promise<void> {
    await this.transactions.query('UPDATE connections SET seen_at = now() WHERE id = ANY($1)', [ids]);
  }

  async close(ids: string[]): Promise<void> {
    await this.transactions.query(
      'UPDATE connections SET closed_at = now(), seen_at = now() WHERE id = ANY($1) AND closed_at IS NULL',
      [ids],
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
