import { LienThongError, type PacketRound, type PolicySources } from '@lienthong/contracts';
import type { PacketRow, PlannedRecipient, StoredPolicy } from '../exchange/rows';
import { iso, isoOrNull } from '../times';
import type { Transactions, Unit } from '../transactions';

export interface NewRound {
  to: PlannedRecipient[];
  /** `scheduled`: others of the round before still wait; `received`: its content is still kept; `open`: it must be uploaded again. */
  state: 'scheduled' | 'received' | 'open';
  deliverBy: Date;
  policy: StoredPolicy;
  sources: PolicySources;
  spaceSeconds: number;
  /** With `open`: where each part is to lie now. */
  objectKeys: { ordinal: number; objectKey: string }[];
  /** The Idempotency-Key of the request that begins it. */
  key: string | null;
}

/**
 * A packet that is sent again begins a new round. Within a round states only go forward; how a round ended is kept as it was, and so is each of
 * its deliveries. What counts of a packet is its newest round: (round, state) never goes back.
 */
export class ResendStore {
  constructor(private readonly transactions: Transactions) {}

  /** Where the newest delivery to an address ended without acceptance. */
  async undelivered(packetId: string, on: Pick<Unit, 'query'> = this.transactions): Promise<PlannedRecipient[]> {
    return on.query(
      `SELECT address, "systemId", "routedBy" FROM (
         SELECT DISTINCT ON (address) address, system_id AS "systemId", routed_by AS "routedBy", state, id FROM deliveries
         WHERE packet_id = $1 ORDER BY address, round DESC) newest
       WHERE state IN ('rejected', 'undeliverable') ORDER BY id`,
      [packetId],
    );
  }

  /** Whether a request with this key has begun a round of the packet. */
  async hasBegun(packetId: string, key: string, on: Pick<Unit, 'query'> = this.transactions): Promise<boolean> {
    return (await on.query('SELECT 1 FROM round_keys WHERE packet_id = $1 AND key = $2', [packetId, key])).length > 0;
  }

  /** Begins the next round of a held packet. @returns the packet as it is now */
  async begin(
    unit: Unit,
    packet: PacketRow,
    { to, state, deliverBy, policy, sources, spaceSeconds, objectKeys, key }: NewRound,
  ): Promise<PacketRow> {
    if (key !== null) await unit.query('INSERT INTO round_keys (packet_id, key) VALUES ($1, $2)', [packet.id, key]);
    if (state === 'scheduled') {
      await unit.query('UPDATE packets SET round = round + 1, resend_to = $2 WHERE id = $1', [
        packet.id,
        JSON.stringify(to),
      ]);
      return { ...packet, round: packet.round + 1, resendTo: to, deliverBy };
    }
    await unit.query(
      `INSERT INTO packet_rounds (packet_id, round, state, received_at, deliver_by, finished_at, purged_at)
       SELECT id, round, state, received_at, deliver_by, finished_at, purged_at FROM packets WHERE id = $1`,
      [packet.id],
    );
    // The sums count each packet once: those of the finished, and those of the begun, to which the database adds with the change of state below.
    await unit.query(
      `WITH begun AS (INSERT INTO begun_packets (n) VALUES (-1))
       INSERT INTO finished_packets (source, state, n) VALUES ($1, $2, -1)`,
      [packet.source, packet.state],
    );
    if (state === 'open')
      await unit.query(
        `UPDATE parts SET upload_id = NULL, object_key = now."objectKey"
         FROM jsonb_to_recordset($2) AS now ("ordinal" smallint, "objectKey" text) WHERE packet_id = $1 AND parts.ordinal = now."ordinal"`,
        [packet.id, JSON.stringify(objectKeys)],
      );
    const rows = await unit.query(
      `UPDATE packets SET round = round + 1, state = $3, resend_to = $4, policy = $5, policy_sources = $6,
              deliver_by = CASE WHEN $3 = 'received' THEN $7::timestamptz END, received_at = CASE WHEN $3 = 'received' THEN now() END,
              space_expires_at = now() + make_interval(secs => $8), turn_at = NULL, analysed_at = NULL, finished_at = NULL, purge_after = NULL,
              purged_at = NULL, purge_blocked_at = NULL, driven_at = now()
       WHERE id = $1 AND round = $2 RETURNING id`,
      [
        packet.id,
        packet.round,
        state,
        JSON.stringify(to),
        JSON.stringify(policy),
        JSON.stringify(sources),
        deliverBy,
        spaceSeconds,
      ],
    );
    if (rows.length === 0) throw new LienThongError('wrong_state', { state: packet.state, action: 'resend' });
    return { ...packet, round: packet.round + 1, resendTo: to, state };
  }

  /** Until when the packet may still be delivered: the latest of its live deliveries. */
  async prolong(unit: Unit, packetId: string, deliverBy: Date): Promise<void> {
    await unit.query('UPDATE packets SET deliver_by = GREATEST(deliver_by, $2) WHERE id = $1', [packetId, deliverBy]);
  }

  /** How the rounds before the present one ended. */
  async rounds(packetId: string): Promise<PacketRound[]> {
    const rows = await this.transactions.query<
      Pick<PacketRound, 'round' | 'state'> &
        Record<'receivedAt' | 'deliverBy' | 'purgedAt', Date | null> & { finishedAt: Date }
    >(
      `SELECT round, state, received_at AS "receivedAt", deliver_by AS "deliverBy", finished_at AS "finishedAt", purged_at AS "purgedAt"
       FROM packet_rounds WHERE packet_id = $1 ORDER BY round`,
      [packetId],
    );
    return rows.map(({ receivedAt, deliverBy, finishedAt, purgedAt, ...row }) => ({
      ...row,
      receivedAt: isoOrNull(receivedAt),
      deliverBy: isoOrNull(deliverBy),
      finishedAt: iso(finishedAt),
      purgedAt: isoOrNull(purgedAt),
    }));
  }
}
