import {
  DELIVERY_TRANSITIONS,
  type DeliveryHistory,
  LienThongError,
  sourcesOf,
  type Tried,
  type UndeliverableReason,
} from '@lienthong/contracts';
import { DELIVERY, deliveryOf, type DeliveryRow, LIVE, type PacketRow, type StoredDelivery } from '../exchange/rows';
import { isoSql } from '../times';
import type { Transactions, Unit } from '../transactions';

/** A live delivery that is to end without its destination, and what is known of it. */
export interface EndingDelivery extends DeliveryRow {
  history: DeliveryHistory;
  /** Its system is suspended or its agency dissolved. */
  noRoute: boolean;
}

const NEVER: Tried = { count: 0, first: null, last: null };
/** What the audit log has of a delivery. */
const FETCHED = ['delivery.ready', 'delivery.addressed'];
const TRIED = ['delivery.announced', 'delivery.reminded', 'delivery.rejected', 'delivery.mismatched', ...FETCHED];
/** Clocks of those who name packets and of the database. */
const CLOCKS_MS = 3_600_000;

/** Deliveries that were not confirmed in time: what was tried with them, and how they end. */
export class UndeliverableStore {
  constructor(private readonly transactions: Transactions) {}

  /** Of a held packet: what is past its deadline, or all that is live. One statement, however many. */
  async ending(unit: Unit, packet: PacketRow, which: 'overdue' | 'live'): Promise<EndingDelivery[]> {
    const rows = await unit.query<StoredDelivery & Told>(
      `WITH ending AS (SELECT * FROM deliveries WHERE packet_id = $1 AND state IN ${LIVE} AND ($2 OR deliver_by <= now())),
       tried AS (
         SELECT delivery_id, jsonb_object_agg(action, jsonb_build_object('count', n, 'first', first, 'last', last)) AS tried
         FROM (SELECT delivery_id, action, count(*) AS n, ${isoSql('min(at)')} AS first, ${isoSql('max(at)')} AS last FROM audit_entries
               WHERE packet_id = $1 AND at >= $3 AND action = ANY($4) AND delivery_id IS NOT NULL GROUP BY delivery_id, action) by_action
         GROUP BY delivery_id)
       SELECT ${DELIVERY}, tried, connections,
              (SELECT ${isoSql('polled_at')} FROM streams s WHERE s.system_id = ending.system_id AND polled_at >= created_at) AS "polledAt",
              EXISTS (SELECT 1 FROM systems s JOIN agencies a ON a.code = s.agency_code
                      WHERE s.id = ending.system_id AND (s.suspended_at IS NOT NULL OR a.dissolved_at IS NOT NULL)) AS "noRoute"
       FROM ending LEFT JOIN tried ON delivery_id = id, LATERAL (
         SELECT jsonb_build_object('count', count(*), 'first', ${isoSql('min(opened_at)')}, 'last', ${isoSql('max(opened_at)')}) AS connections
         FROM (SELECT opened_at FROM connections c WHERE c.system_id = ending.system_id AND c.id >= ${idOf('ending.created_at')}
               UNION ALL
               SELECT opened_at FROM connections c WHERE c.system_id = ending.system_id AND closed_at IS NULL AND c.id < ${idOf('ending.created_at')}) c) seen
       ORDER BY id`,
      [packet.id, which === 'live', new Date(packet.createdAt.getTime() - CLOCKS_MS), TRIED],
    );
    return rows.map(({ tried, connections, polledAt, noRoute, ...row }) => {
      const of = (action: string): Tried => tried?.[action] ?? NEVER;
      return {
        ...deliveryOf(row),
        noRoute,
        history: {
          announcements: of('delivery.announced'),
          connections,
          polledAt,
          reminders: of('delivery.reminded'),
          fetches: FETCHED.map(of).reduce(together),
          rejections: of('delivery.rejected'),
          mismatches: of('delivery.mismatched'),
        },
      };
    });
  }

  /** Live → undeliverable, each with its reason and history; the packet is held. */
  async end(
    unit: Unit,
    ended: { id: string; reasonCode: UndeliverableReason; history: DeliveryHistory }[],
  ): Promise<void> {
    await unit.change({
      of: ended.map(({ id }) => id),
      sql: `UPDATE deliveries SET state = 'undeliverable', finished_at = now(), reason_code = ended."reasonCode", reason = NULL,
                                  history = ended.history, warn_at = NULL
            FROM jsonb_to_recordset($1) AS ended (id uuid, "reasonCode" text, history jsonb)
            WHERE deliveries.id = ended.id AND state = ANY($2) RETURNING deliveries.id`,
      parameters: () => [JSON.stringify(ended), sourcesOf(DELIVERY_TRANSITIONS, 'undeliverable')],
      rows: ended.length,
      otherwise: async () => new LienThongError('wrong_state', { state: '?', action: '→ undeliverable' }),
    });
  }

  /** Deliveries that were given up in the last minute, by any process. */
  async endedLastMinute(): Promise<number> {
    return this.count(
      `SELECT count(*) AS n FROM deliveries WHERE state = 'undeliverable' AND finished_at > now() - interval '1 minute'`,
    );
  }

  /** All live deliveries: counted only when more end in a minute than the least bound. */
  async live(): Promise<number> {
    return this.count(`SELECT count(*) AS n FROM deliveries WHERE state IN ${LIVE}`);
  }

  private async count(sql: string): Promise<number> {
    const [{ n }] = await this.transactions.query<{ n: string }>(sql);
    return Number(n);
  }
}

interface Told {
  tried: Record<string, Tried> | null;
  connections: Tried;
  polledAt: string | null;
  noRoute: boolean;
}

/** The least id of version 7 that was made at a moment: connections since then are a range of their index. */
const idOf = (moment: string): string =>
  `(lpad(to_hex((extract(epoch FROM ${moment}) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid`;

function together(a: Tried, b: Tried): Tried {
  const times = [a.first, a.last, b.first, b.last].filter((time) => time !== null).toSorted();
  return { count: a.count + b.count, first: times[0] ?? null, last: times.at(-1) ?? null };
}
