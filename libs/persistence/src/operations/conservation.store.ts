import { LIVE } from '../exchange/rows';
import type { Transactions } from '../transactions';

export interface Balance {
  /** Packets that began: counted by the database. */
  begun: number;
  /** Packets that ended: counted by the platform, in the transaction of their final state. */
  finished: number;
  live: number;
  /** Finished, and their content is still to be deleted. */
  purgePending: number;
  /** Scheduled, and no delivery of theirs is live: nobody will ever finish them. */
  stranded: number;
}

/**
 * What a step leaves in the stream of a system and, under the same name, in the audit log. Of the exchange's events only packet.available is not among them,
 * whose entry is delivery.announced, and packet.recalled, which of a packet that others have accepted is told to destinations alone.
 */
const BOTH = `('packet.accepted', 'packet.completed', 'packet.refused', 'packet.purged', 'packet.extended', 'packet.expiring', 'packet.status',
  'packet.recallRequested', 'delivery.ready', 'delivery.accepted', 'delivery.rejected', 'delivery.undeliverable')`;
const PACKETS_LIVE = `('open', 'received', 'scheduled')`;
/** One transaction writes both, so none of it is still to come. */
const WINDOW = `at > now() - interval '70 s' AND at <= now()`;
const SUM_UP = 100;

/**
 * The platform's books (reliability 11). Read from sums, from partial indexes of what is live, and from the last minute: nothing here grows with
 * what is finished.
 */
export class ConservationStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** One statement and so one moment: `begun` is `finished` and `live` together, exactly, whatever is under way. */
  async balance(): Promise<Balance> {
    const [row] = await this.transactions.query<Record<keyof Balance, string>>(
      `SELECT (SELECT coalesce(sum(n), 0) FROM begun_packets) AS begun, (SELECT coalesce(sum(n), 0) FROM finished_packets) AS finished,
              (SELECT count(*) FROM packets WHERE state IN ${PACKETS_LIVE}) AS live,
              (SELECT count(*) FROM packets WHERE purged_at IS NULL AND purge_after IS NOT NULL) AS "purgePending",
              (SELECT count(*) FROM packets p WHERE state IN ${PACKETS_LIVE} AND state = 'scheduled'
                 AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.packet_id = p.id AND d.state IN ${LIVE})) AS stranded`,
    );
    return Object.fromEntries(Object.entries(row).map(([name, n]) => [name, Number(n)])) as unknown as Balance;
  }

  /** Of the last minute: what was told and is not in the audit log, and what the log says has ended and has not. */
  async unaudited(): Promise<number> {
    const [{ n }] = await this.transactions.query<{ n: string }>(
      `SELECT (SELECT count(*) FROM events e WHERE ${WINDOW} AND type IN ${BOTH}
                 AND NOT EXISTS (SELECT 1 FROM audit_entries a WHERE a.packet_id = e.packet_id AND a.action = e.type))
            + (SELECT count(*) FROM audit_entries a JOIN packets p ON p.id = a.packet_id
               WHERE a.${WINDOW.replace('AND at', 'AND a.at')} AND a.action IN ('packet.completed', 'packet.refused', 'packet.expired', 'packet.recalled')
                 AND p.state IN ${PACKETS_LIVE} AND p.round = 1) AS n`,
    );
    return Number(n);
  }

  /** Sums up the rows of packets that began: as many as packets of a minute are left. */
  async sumUp(): Promise<void> {
    await this.transactions.query(
      `WITH taken AS (DELETE FROM begun_packets WHERE (SELECT count(*) FROM begun_packets) > ${SUM_UP} RETURNING n)
       INSERT INTO begun_packets (n) SELECT sum(n) FROM taken HAVING count(*) > 0`,
    );
  }
}
