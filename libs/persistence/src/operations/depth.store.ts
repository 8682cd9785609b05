import { type DestinationDepth, PRIORITIES, type Priority, type TaskKind } from '@lienthong/contracts';
import { onlineSql } from '../registry/registry-directory.store';
import type { Transactions } from '../transactions';
import { LIVE } from '../exchange/rows';

export interface TaskRate {
  kind: TaskKind;
  priority: Priority;
  /** Packets that a task of this kind was done for in the last 60 s. */
  perMinute: number;
}

const DESTINATIONS = 500;

/** How much waits and how fast it goes, for the operator: read from the live deliveries and the events of the last minute, never from what is done. */
export class DepthStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** Systems that something waits for, or that accepted in the last minute; the oldest first, 500 at most. */
  async destinations(): Promise<DestinationDepth[]> {
    return this.transactions.query<DestinationDepth>(
      `WITH waiting AS (
         SELECT system_id, count(*)::int AS n, min(available_at) AS since FROM deliveries
         WHERE state IN ${LIVE} AND available_at <= now() GROUP BY system_id),
       accepted AS (
         SELECT d.system_id, count(*)::int AS n FROM events e JOIN deliveries d ON d.id = e.delivery_id
         WHERE e.at > now() - interval '1 minute' AND e.type = 'delivery.accepted' GROUP BY d.system_id),
       both_ AS (
         SELECT coalesce(w.system_id, a.system_id) AS system_id, coalesce(w.n, 0) AS waiting, w.since, coalesce(a.n, 0) AS accepted
         FROM waiting w FULL JOIN accepted a USING (system_id)
         ORDER BY w.since NULLS LAST LIMIT ${DESTINATIONS})
       SELECT system_id AS "systemId", waiting, coalesce(round(extract(epoch FROM now() - since)), 0)::int AS "oldestSeconds",
              accepted AS "acceptedPerMinute", ${onlineSql('both_.system_id')} AS online
       FROM both_ ORDER BY since NULLS LAST, system_id`,
    );
  }

  /** Each kind of task leaves an event when it is done. */
  async taskRates(): Promise<TaskRate[]> {
    const rows = await this.transactions.query<{ kind: TaskKind; priority: number; n: number }>(
      `SELECT kind, p.priority, count(DISTINCT e.packet_id)::int AS n
       FROM events e JOIN packets p ON p.id = e.packet_id
       JOIN (VALUES ('packet.accepted', 'analyse-packet'), ('packet.refused', 'analyse-packet'),
                    ('packet.available', 'notify-destination'), ('packet.purged', 'purge-content')) AS done (type, kind) ON done.type = e.type
       WHERE e.at > now() - interval '1 minute' GROUP BY kind, p.priority`,
    );
    return rows.map(({ kind, priority, n }) => ({ kind, priority: PRIORITIES[priority], perMinute: n }));
  }
}
