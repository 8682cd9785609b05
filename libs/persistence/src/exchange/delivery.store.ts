import {
  DELIVERY_TRANSITIONS,
  type DeliveryState,
  LienThongError,
  type PacketDelivery,
  type Remedy,
  PRIORITIES,
  priorityRank,
  sourcesOf,
  type WaitingDelivery,
} from '@lienthong/contracts';
import { v7 as uuidv7 } from 'uuid';
import {
  DELIVERY,
  deliveryOf,
  type DeliveryRow,
  type HeldDelivery,
  LIVE,
  nowBy,
  PACKET,
  packetOf,
  type PacketRow,
  PARTS,
  type ReadDelivery,
  type StoredDelivery,
  type StoredPacket,
} from './rows';
import { AFTER_THE_END } from '../scheduling/after-the-end';
import { nextWarning } from '../scheduling/next-warning';
import { isoSql } from '../times';
import { Overtaken, type Transactions, type Unit } from '../transactions';

/** What a destination is shown of a waiting delivery; `d` and `p` are the delivery and its packet. */
export const WAITING = `jsonb_build_object(
  'deliveryId', d.id, 'packetId', d.packet_id, 'state', d.state, 'from', p.source, 'title', p.title,
  'priority', ('{${PRIORITIES.join(',')}}'::text[])[d.priority + 1], 'dataType', p.data_type,
  'parts', (SELECT jsonb_agg(jsonb_build_object('name', name, 'mediaType', media_type, 'size', size, 'sha256', sha256) ORDER BY ordinal)
            FROM parts WHERE packet_id = p.id),
  'deliverBy', ${isoSql('d.deliver_by')}, 'attempt', d.attempt)`;

/** A delivery with the data of its `packet.available`. */
export interface Announced {
  deliveryId: string;
  systemId: string;
  data: WaitingDelivery;
}

/** It was sent again to the same address. */
const SUPERSEDED = `EXISTS (SELECT 1 FROM deliveries n WHERE n.packet_id = d.packet_id AND n.address = d.address AND n.round > d.round)`;

/** How long a delivery may wait before its destination is reminded, by the importance of the packet. */
export interface FirstReminder {
  normalSeconds: number;
  urgentSeconds: number;
}

/** Deliveries: one packet for one system. */
export class DeliveryStore {
  constructor(
    private readonly transactions: Transactions,
    private readonly firstReminder: FirstReminder | null = { normalSeconds: 3600, urgentSeconds: 900 },
  ) {}

  /** Makes the deliveries of a packet at planning, due in `delayMs`; those that exist already stay as they are. Without a delay they count as announced. */
  async plan(unit: Unit, packet: PacketRow, delayMs: number): Promise<Announced[]> {
    const { deliverBy, policy, recipients, resendTo, round } = packet;
    const warnAt =
      deliverBy && nextWarning(policy.warnAt ?? [], new Date(nowBy(packet).getTime() + delayMs), deliverBy);
    return unit.query(
      `WITH d AS (
         INSERT INTO deliveries (id, packet_id, system_id, address, routed_by, state, priority, announced, available_at, deliver_by, warn_at, round, next_reminder_at)
         SELECT id, $1, "systemId", address, "routedBy", 'pending', $2, ($3::float8 = 0)::int, now() + make_interval(secs => $3::float8 / 1000), $4, $6, $7,
                now() + make_interval(secs => $3::float8 / 1000 + $8::float8)
         FROM jsonb_to_recordset($5) AS recipient (id uuid, "systemId" text, address text, "routedBy" text)
         ON CONFLICT (packet_id, system_id, round) DO NOTHING RETURNING *)
       SELECT d.id AS "deliveryId", d.system_id AS "systemId", ${WAITING} AS data FROM d JOIN packets p ON p.id = $1`,
      [
        packet.id,
        priorityRank(packet.priority),
        delayMs,
        deliverBy,
        JSON.stringify((resendTo ?? recipients).map((recipient) => ({ id: uuidv7(), ...recipient }))),
        warnAt?.at ?? null,
        round,
        (packet.priority === 'normal' ? this.firstReminder?.normalSeconds : this.firstReminder?.urgentSeconds) ?? null,
      ],
    );
  }

  /** Marks what is due to be announced, and returns it with the data of `packet.available`. Twice is once. */
  async announce(unit: Unit, packetId: string): Promise<Announced[]> {
    return unit.query(
      `WITH due AS (UPDATE deliveries SET announced = attempt
                    WHERE packet_id = $1 AND state = 'pending' AND announced < attempt AND available_at <= now() RETURNING *)
       SELECT d.id AS "deliveryId", d.system_id AS "systemId", ${WAITING} AS data FROM due d JOIN packets p ON p.id = d.packet_id`,
      [packetId],
    );
  }

  /**
   * A delivery whose packet is held. A statement of its own after the one that locks, whose snapshot may be older than the lock; both may be
   * sent together.
   * @throws not_found
   */
  async held(unit: Unit, id: string): Promise<HeldDelivery> {
    const [row] = await unit.query<StoredDelivery & Pick<HeldDelivery, 'isLastLive'>>(
      `SELECT ${DELIVERY}, NOT EXISTS (SELECT 1 FROM deliveries other WHERE other.packet_id = deliveries.packet_id
                AND other.state IN ${LIVE} AND other.id <> deliveries.id) AS "isLastLive" FROM deliveries WHERE id = $1`,
      [id],
    );
    if (!row) throw new LienThongError('not_found');
    return { ...deliveryOf(row), isLastLive: row.isLastLive };
  }

  /**
   * What `PacketStore.lockForDelivery` and `held` read, without holding anything.
   * @throws not_found for an absent delivery, a foreign one, and one whose time has not come
   */
  async read(systemId: string, deliveryId: string): Promise<ReadDelivery> {
    const [row] = await this.transactions.query<StoredPacket & Pick<ReadDelivery, 'parts' | 'delivery'>>(
      `SELECT ${PACKET}, ${PARTS} AS parts, delivery
       FROM (SELECT packet_id, jsonb_build_object('id', id, 'state', state, 'attempt', attempt) AS delivery
             FROM deliveries WHERE id = $1 AND system_id = $2 AND available_at <= now()) asked
       JOIN packets ON packets.id = packet_id`,
      [deliveryId, systemId],
    );
    if (!row) throw new LienThongError('not_found');
    const { parts, delivery, ...packet } = row;
    return { packet: packetOf(packet), parts, delivery };
  }

  /** The live deliveries of a packet whose row is held. */
  async live(unit: Unit, packetId: string): Promise<DeliveryRow[]> {
    const rows = await unit.query<StoredDelivery>(
      `SELECT ${DELIVERY} FROM deliveries WHERE packet_id = $1 AND state IN ${LIVE} ORDER BY id`,
      [packetId],
    );
    return rows.map(deliveryOf);
  }

  async isAnyLive(unit: Unit, packetId: string): Promise<boolean> {
    const rows = await unit.query(`SELECT 1 FROM deliveries WHERE packet_id = $1 AND state IN ${LIVE} LIMIT 1`, [
      packetId,
    ]);
    return rows.length > 0;
  }

  /** One guarded change along the table of transitions, for deliveries whose packet is held. */
  async change(
    unit: Unit,
    ids: string[],
    to: Exclude<DeliveryState, 'pending'>,
    why: { reasonCode?: string; reason?: string; confirmation?: { request: unknown; receipt: string } } = {},
  ): Promise<void> {
    await unit.change({
      of: ids,
      sql: `UPDATE deliveries SET state = $2, finished_at = CASE WHEN $4::boolean THEN now() END, reason_code = $5, reason = $6,
                                  confirmation = coalesce($7, confirmation)
            WHERE id = ANY($1) AND state = ANY($3) RETURNING id`,
      parameters: () => [
        ids,
        to,
        sourcesOf(DELIVERY_TRANSITIONS, to),
        DELIVERY_TRANSITIONS[to].length === 0,
        why.reasonCode ?? null,
        why.reason ?? null,
        why.confirmation ? JSON.stringify(why.confirmation) : null,
      ],
      rows: ids.length,
      otherwise: async () => new LienThongError('wrong_state', { state: '?', action: `→ ${to}` }),
    });
  }

  /**
   * pending or notified → ready, with the packet's newest receipt; the packet as it was read need not be held.
   * @throws Overtaken when the delivery is in another state by now, or another receipt was written meanwhile
   */
  async makeReady(unit: Unit, { delivery, packet }: ReadDelivery): Promise<void> {
    await unit.change({
      of: [delivery.id],
      sql: `UPDATE deliveries SET state = 'ready', finished_at = NULL, reason_code = NULL, reason = NULL
            FROM (SELECT id FROM packets WHERE id = $2 AND receipt_hash IS NOT DISTINCT FROM $3 FOR UPDATE) held
            WHERE deliveries.id = $1 AND packet_id = held.id AND state = ANY($4) RETURNING deliveries.id`,
      parameters: () => [delivery.id, packet.id, packet.receiptHash, sourcesOf(DELIVERY_TRANSITIONS, 'ready')],
      rows: 1,
      otherwise: async () => new Overtaken(),
    });
  }

  /** Back to pending for another attempt at `availableAt`, after a retryable rejection. */
  async retry(
    unit: Unit,
    id: string,
    availableAt: Date,
    why: { reasonCode?: string; reason?: string; confirmation: { request: unknown; receipt: string } },
  ): Promise<void> {
    const rows = await unit.query(
      `UPDATE deliveries SET state = 'pending', attempt = attempt + 1, available_at = $3, driven_at = $3, reason_code = $4, reason = $5, confirmation = $6,
         reminders = 0, next_reminder_at = $3::timestamptz + make_interval(secs => CASE priority WHEN 0 THEN $7::float8 ELSE $8::float8 END)
       WHERE id = $1 AND state = ANY($2) RETURNING id`,
      [
        id,
        sourcesOf(DELIVERY_TRANSITIONS, 'pending'),
        availableAt,
        why.reasonCode ?? null,
        why.reason ?? null,
        JSON.stringify(why.confirmation),
        this.firstReminder?.normalSeconds ?? null,
        this.firstReminder?.urgentSeconds ?? null,
      ],
    );
    if (rows.length === 0) throw new LienThongError('wrong_state', { state: '?', action: '→ pending' });
  }

  /** Deliveries of a packet with their business statuses, for its source (`systemId` undefined) or for one destination; those of the newest round last: ids go by the clocks of processes. */
  async ofPacket(packetId: string, systemId?: string): Promise<PacketDelivery[]> {
    const rows = await this.transactions.query<{
      item: Shown;
    }>(
      `SELECT jsonb_build_object('deliveryId', d.id, 'address', d.address, 'systemId', d.system_id, 'routedBy', d.routed_by, 'state', d.state,
                'attempt', d.attempt, 'round', d.round, 'reasonCode', d.reason_code, 'reason', d.reason, 'history', d.history, 'superseded', ${SUPERSEDED},
                'lateConfirmedAt', ${isoSql('d.late_confirmed_at')}, 'reminders', d.reminders,
                'nextReminderAt', CASE WHEN d.state IN ('pending', 'notified') AND d.next_reminder_at < d.deliver_by THEN ${isoSql('d.next_reminder_at')} END,
                'statuses', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('code', s.code, 'description', s.description,
                                       'at', ${isoSql('s.at')})) ORDER BY s.id) FROM statuses s WHERE s.packet_id = d.packet_id AND s.delivery_id = d.id), '[]')) AS item
       FROM deliveries d WHERE d.packet_id = $1 AND ($2::text IS NULL OR (d.system_id = $2 AND d.available_at <= now())) ORDER BY d.round, d.id`,
      [packetId, systemId ?? null],
    );
    return rows.map(
      ({ item: { reasonCode, reason, history, lateConfirmedAt, nextReminderAt, superseded, ...item } }) => ({
        ...item,
        ...(reasonCode ? { reasonCode } : {}),
        ...(reason ? { reason } : {}),
        canDo: systemId === undefined && !superseded ? remediesOf(item.state) : [],
        ...(history ? { history } : {}),
        ...(lateConfirmedAt ? { lateConfirmedAt } : {}),
        ...(nextReminderAt ? { nextReminderAt } : {}),
      }),
    );
  }

  async addStatus(
    unit: Unit,
    status: { packetId: string; deliveryId: string; code: string; description: string | null; at: Date },
  ): Promise<void> {
    await unit.query(
      'INSERT INTO statuses (id, packet_id, delivery_id, code, description, at) VALUES ($1, $2, $3, $4, $5, $6)',
      [uuidv7(), status.packetId, status.deliveryId, status.code, status.description, status.at],
    );
  }
}

type Optional = 'reasonCode' | 'reason' | 'history' | 'lateConfirmedAt' | 'nextReminderAt';
type Shown = Omit<PacketDelivery, Optional> & { [K in Optional]: NonNullable<PacketDelivery[K]> | null } & {
  superseded: boolean;
};

/** What the source can do with a delivery in this state. */
function remediesOf(state: DeliveryState): Remedy[] {
  if (DELIVERY_TRANSITIONS[state].length > 0) return ['extend'];
  return state === 'rejected' || state === 'undeliverable' ? AFTER_THE_END : [];
}
