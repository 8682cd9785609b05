import {
  type DeliveryState,
  type PacketState,
  PRIORITIES,
  type Priority,
  type StuckReason,
  type TaskKind,
} from '@lienthong/contracts';
import { LIVE } from '../exchange/rows';
import { onlineSql } from '../registry/registry-directory.store';
import type { Transactions } from '../transactions';

export interface StuckRow {
  packetId: string;
  title: string;
  state: PacketState;
  priority: Priority;
  reason: StuckReason;
  deliveryId: string | null;
  address: string | null;
  systemId: string | null;
  deliveryState: DeliveryState | null;
  online: boolean;
  since: Date;
  endsAt: Date | null;
}

/** An analysis takes seconds. */
const ANALYSIS_MINUTES = 15;
/** A space is shown this long before it closes. */
const SPACE_HOURS = 2;
/** A destination that fetched is given this long to confirm. */
const CONFIRM_MINUTES = 60;

/** Whether a task of this kind is on record as given up for the packet: a person must look. */
const givenUp = (kind: TaskKind, packetId: string): string =>
  `EXISTS (SELECT 1 FROM dead_tasks t WHERE t.packet_id = ${packetId} AND t.kind = '${kind}')`;

/** A delivery whose destination was never told, because the task that tells it was given up. */
const UNTOLD = `(d.state = 'pending' AND d.announced < d.attempt AND ${givenUp('notify-destination', 'd.packet_id')})`;

/**
 * What of a system's packets does not move by itself. Read from its own live packets (partial index `packets_live`), and of the finished ones from the purges
 * that the store refused or that were given up, for which an alarm is raised: it does not grow with what is finished, nor with what others wait for.
 */
export class StuckPacketStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** The ones that end first are first. @param warnAt the part of the time to the deadline after which a delivery is late, where the policy says nothing */
  async list(source: string, warnAt: number, limit: number): Promise<StuckRow[]> {
    const rows = await this.transactions.query<Omit<StuckRow, 'priority'> & { rank: number }>(
      `WITH mine AS (SELECT * FROM packets WHERE source = $1 AND state IN ('open', 'received', 'scheduled')),
       own AS (
         SELECT id, CASE WHEN state = 'open' THEN 'not_uploaded' WHEN ${givenUp('analyse-packet', 'mine.id')} THEN 'given_up' ELSE 'not_analysed' END AS reason,
                coalesce(received_at, created_at) AS since, CASE state WHEN 'open' THEN space_expires_at END AS ends_at
         FROM mine
         WHERE (state = 'open' AND space_expires_at < now() + interval '${SPACE_HOURS} hours')
            OR (state = 'received' AND (received_at < now() - interval '${ANALYSIS_MINUTES} minutes' OR ${givenUp('analyse-packet', 'mine.id')}))),
       kept AS (
         SELECT id, purge_blocked_at, purge_after FROM packets WHERE source = $1 AND purged_at IS NULL AND purge_blocked_at IS NOT NULL
         UNION
         SELECT id, purge_blocked_at, purge_after FROM packets WHERE source = $1 AND purged_at IS NULL AND purge_after < now()
           AND id IN (SELECT packet_id FROM dead_tasks WHERE kind = 'purge-content')),
       late AS (
         SELECT d.id, d.packet_id, d.address, d.system_id, d.state, d.available_at, d.deliver_by,
                CASE WHEN ${UNTOLD} THEN 'given_up' ELSE CASE d.state WHEN 'pending' THEN 'not_announced' WHEN 'notified' THEN 'not_fetched' ELSE 'not_confirmed' END END AS reason
         FROM mine JOIN deliveries d ON d.packet_id = mine.id AND d.state IN ${LIVE}
         WHERE now() > d.available_at + (d.deliver_by - d.available_at) * coalesce((mine.policy #>> '{warnAt,0}')::float8, $2)
            OR (d.state = 'ready' AND now() > d.available_at + interval '${CONFIRM_MINUTES} minutes')
            OR ${UNTOLD}),
       stuck AS (
         SELECT id AS packet_id, reason, NULL::uuid AS delivery_id, NULL AS address, NULL AS system_id, NULL AS delivery_state, since, ends_at FROM own
         UNION ALL
         SELECT id, 'not_purged', NULL, NULL, NULL, NULL, coalesce(purge_blocked_at, purge_after), NULL FROM kept
         UNION ALL
         SELECT packet_id, reason, id, address, system_id, state, available_at, deliver_by FROM late)
       SELECT s.packet_id AS "packetId", p.title, p.state, p.priority AS rank, s.reason, s.delivery_id AS "deliveryId", s.address,
              s.system_id AS "systemId", s.delivery_state AS "deliveryState",
              CASE WHEN s.system_id IS NULL THEN false ELSE ${onlineSql('s.system_id')} END AS online, s.since, s.ends_at AS "endsAt"
       FROM stuck s JOIN packets p ON p.id = s.packet_id
       ORDER BY s.ends_at NULLS FIRST, s.packet_id, s.delivery_id LIMIT $3`,
      [source, warnAt, limit],
    );
    return rows.map(({ rank, ...row }) => ({ ...row, priority: PRIORITIES[rank] }));
  }
}
