import {
  PACKET_TRANSITIONS,
  LienThongError,
  type PacketState,
  type PolicySources,
  PRIORITIES,
  priorityRank,
  sourcesOf,
  task,
} from '@lienthong/contracts';
import { currentActor } from '../audit/actor';
import { searchText } from '../registry/search-text';
import {
  type NewPacket,
  PACKET,
  packetOf,
  type PacketRow,
  PARTS,
  type PartRow,
  type StoredPacket,
  type StoredPolicy,
  type WholePacket,
} from './rows';
import { Overtaken, type Transactions, type Unit } from '../transactions';

/** Packets, their parts, and the only statements that change a packet's state. */
export class PacketStore {
  constructor(private readonly transactions: Transactions) {}

  /**
   * A new open packet with its parts, in one statement and so one transaction.
   * @returns undefined when the source already has a packet under this idempotency key
   */
  async insert(packet: NewPacket): Promise<PacketRow | undefined> {
    const [row] = await this.transactions.query<StoredPacket>(
      `WITH charged AS (
         INSERT INTO urgent_packets AS urgent (system_id, "window", n)
         SELECT $2, to_timestamp(floor(extract(epoch FROM now()) / $18::int) * $18::int), 1
         WHERE $4::int > 0 AND $17::int > 0 AND NOT EXISTS (SELECT 1 FROM packets WHERE source = $2 AND idempotency_key = $10)
         ON CONFLICT (system_id, "window") DO UPDATE SET n = urgent.n + 1 WHERE urgent.n < $17::int RETURNING n),
       granted AS (SELECT CASE WHEN $17::int IS NULL OR EXISTS (SELECT 1 FROM charged) THEN $4::int ELSE 0 END AS rank),
       fresh AS (
         INSERT INTO packets (id, source, state, title, priority, asked_priority, data_type, protocol, in_reply_to, policy, recipients,
                              idempotency_key, request_digest, space_expires_at, search, policy_sources)
         SELECT $1, $2, 'open', $3, rank, nullif($4::int, rank), $5, $6, $7, $8, $9, $10, $11, now() + make_interval(secs => $12), $13, $16 FROM granted
         ON CONFLICT (source, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING *),
       with_parts AS (
         INSERT INTO parts (packet_id, ordinal, name, media_type, size, sha256, object_key)
         SELECT fresh.id, part."ordinal", part.name, part."mediaType", part.size, part.sha256, part."objectKey"
         FROM fresh, jsonb_to_recordset($14) AS part ("ordinal" smallint, name text, "mediaType" text, size bigint, sha256 text, "objectKey" text)),
       entry AS (
         INSERT INTO audit_entries (actor, system_id, action, packet_id, detail)
         SELECT $15, source, 'packet.open', id, jsonb_build_object('recipients', jsonb_array_length(recipients)) FROM fresh
         UNION ALL
         SELECT $15, source, 'packet.downgraded', id, jsonb_build_object('asked', ('{${PRIORITIES.join(',')}}'::text[])[asked_priority + 1],
                                                                      'quota', $17::int, 'windowSeconds', $18::int)
         FROM fresh WHERE asked_priority IS NOT NULL)
       SELECT ${PACKET} FROM fresh`,
      [
        packet.id,
        packet.source,
        packet.title,
        priorityRank(packet.priority),
        packet.dataType,
        packet.protocol,
        packet.inReplyTo,
        JSON.stringify(packet.policy),
        JSON.stringify(packet.recipients),
        packet.idempotencyKey,
        packet.requestDigest,
        packet.spaceSeconds,
        searchText(packet.title),
        JSON.stringify(packet.parts),
        currentActor().actor,
        JSON.stringify(packet.policySources ?? {}),
        packet.urgentQuota?.packets ?? null,
        packet.urgentQuota?.windowSeconds ?? null,
      ],
    );
    return row && packetOf(row);
  }

  async byKey(source: string, idempotencyKey: string): Promise<PacketRow | undefined> {
    const [row] = await this.transactions.query<StoredPacket>(
      `SELECT ${PACKET} FROM packets WHERE source = $1 AND idempotency_key = $2`,
      [source, idempotencyKey],
    );
    return row && packetOf(row);
  }

  /**
   * The packet of this source.
   * @throws not_found for an absent and for a foreign one alike
   */
  async own(source: string, id: string): Promise<PacketRow> {
    const packet = await this.find(id);
    if (packet?.source !== source) throw new LienThongError('not_found');
    return packet;
  }

  async find(id: string): Promise<PacketRow | undefined> {
    const [row] = await this.transactions.query<StoredPacket>(`SELECT ${PACKET} FROM packets WHERE id = $1`, [id]);
    return row && packetOf(row);
  }

  /** Holds the packet's row until the transaction ends: whoever decides about it, its receipts or «all final» does so alone. */
  async lock(unit: Unit, id: string): Promise<PacketRow | undefined> {
    const [row] = await unit.query<StoredPacket>(`SELECT ${PACKET} FROM packets WHERE id = $1 FOR UPDATE`, [id]);
    return row && packetOf(row);
  }

  /** `lock`, with the parts, which never change, in the same round trip. */
  async lockWithParts(unit: Unit, id: string): Promise<{ packet: PacketRow; parts: PartRow[] } | undefined> {
    const [row] = await unit.query<StoredPacket & { parts: PartRow[] }>(
      `SELECT ${PACKET}, ${PARTS} AS parts FROM packets WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (!row) return undefined;
    const { parts, ...packet } = row;
    return { packet: packetOf(packet), parts };
  }

  /**
   * The delivery's packet, held, with its parts, on behalf of the delivery's system: lock order everywhere is packet, then delivery.
   * @param orAnswered also one that its system has rejected and that is to come again later
   * @throws not_found for an absent delivery, a foreign one, and one whose time has not come
   */
  async lockForDelivery(
    unit: Unit,
    systemId: string,
    deliveryId: string,
    orAnswered = false,
  ): Promise<{ packet: PacketRow; parts: PartRow[] }> {
    const [row] = await unit.query<StoredPacket & { parts: PartRow[] }>(
      `SELECT ${PACKET}, ${PARTS} AS parts FROM packets
       WHERE id = (SELECT packet_id FROM deliveries WHERE id = $1 AND system_id = $2
                       AND (available_at <= now() OR ($3 AND confirmation IS NOT NULL))) FOR UPDATE`,
      [deliveryId, systemId, orAnswered],
    );
    if (!row) throw new LienThongError('not_found');
    const { parts, ...packet } = row;
    return { packet: packetOf(packet), parts };
  }

  /** For the purge: the packet, not held, with its parts and who was told of it. */
  async findWhole(id: string): Promise<WholePacket | undefined> {
    const [row] = await this.transactions.query<StoredPacket & Pick<WholePacket, 'parts' | 'deliveries'>>(
      `SELECT ${PACKET}, ${PARTS} AS parts,
              (SELECT coalesce(jsonb_agg(jsonb_build_object('deliveryId', d.id, 'systemId', d.system_id) ORDER BY d.id), '[]')
               FROM deliveries d WHERE d.packet_id = packets.id AND (packets.round = 1 OR NOT EXISTS (
                 SELECT 1 FROM deliveries n WHERE n.packet_id = d.packet_id AND n.system_id = d.system_id AND n.round > d.round))) AS deliveries
       FROM packets WHERE id = $1`,
      [id],
    );
    if (!row) return undefined;
    const { parts, deliveries, ...packet } = row;
    return { packet: packetOf(packet), parts, deliveries };
  }

  async parts(id: string): Promise<PartRow[]> {
    return partsOf(this.transactions, id);
  }

  async setUploadIds(id: string, uploads: { ordinal: number; uploadId: string }[]): Promise<void> {
    await this.transactions.query(
      `UPDATE parts SET upload_id = upload."uploadId"
       FROM jsonb_to_recordset($2) AS upload ("ordinal" smallint, "uploadId" text)
       WHERE packet_id = $1 AND parts.ordinal = upload."ordinal"`,
      [id, JSON.stringify(uploads)],
    );
  }

  /** open → received (S4), with the policy in force and where each value of it came from. @param waits for its turn in the analysis */
  async receive(
    unit: Unit,
    packet: PacketRow,
    policy: StoredPolicy,
    deliverBy: Date,
    sources: PolicySources = packet.policySources,
    waits = false,
  ): Promise<void> {
    const set =
      'policy = $4, deliver_by = $5, policy_sources = $6, received_at = now(), turn_at = CASE WHEN $7 THEN NULL ELSE now() END';
    const values = [JSON.stringify(policy), deliverBy, JSON.stringify(sources), waits];
    await this.change(unit, packet.id, 'received', set, values);
  }

  /** received → scheduled (S4): analysed and planned. */
  async schedule(unit: Unit, id: string): Promise<void> {
    await this.change(unit, id, 'scheduled', 'analysed_at = now()');
  }

  /** The final state, when its content is to go, and the task that sees to it. */
  async finish(
    unit: Unit,
    packet: PacketRow,
    state: Extract<PacketState, 'completed' | 'expired' | 'refused' | 'recalled'>,
  ): Promise<void> {
    const keepSeconds = state === 'completed' ? (packet.policy.keepAfterConfirmSeconds ?? 0) : 0;
    await this.change(
      unit,
      packet.id,
      state,
      'finished_at = now(), driven_at = now(), purge_after = now() + make_interval(secs => $4)',
      [keepSeconds],
    );
    unit.records.finished.push({ source: packet.source, state });
    unit.enqueue(task('purge-content', packet.id), packet.priority, keepSeconds * 1000);
  }

  /**
   * Records that the content is gone, with the packet's newest receipt; the packet as it was read need not be held.
   * @throws Overtaken when it was recorded already, or another receipt was written meanwhile
   */
  async markPurged(unit: Unit, packet: PacketRow, formerHash: string | null): Promise<void> {
    await unit.change({
      of: [packet.id],
      sql: `UPDATE packets SET purged_at = now(), receipt_hash = coalesce($3, receipt_hash)
            WHERE id = $1 AND purged_at IS NULL AND purge_after <= now() AND receipt_hash IS NOT DISTINCT FROM $2 RETURNING id`,
      parameters: () => [packet.id, formerHash, unit.records.takeHash(packet.id)],
      rows: 1,
      otherwise: async () => new Overtaken(),
    });
  }

  /** Packets of a source by state: the live ones counted by index, the finished ones from their sums. */
  async countsOf(source: string): Promise<Record<PacketState, number>> {
    const rows = await this.transactions.query<{ state: PacketState; n: string }>(
      `SELECT state, count(*) AS n FROM packets WHERE source = $1 AND state IN ('open', 'received', 'scheduled') GROUP BY state
       UNION ALL SELECT state, sum(n) FROM finished_packets WHERE source = $1 GROUP BY state`,
      [source],
    );
    const none = Object.fromEntries(Object.keys(PACKET_TRANSITIONS).map((state) => [state, 0]));
    return { ...none, ...Object.fromEntries(rows.map(({ state, n }) => [state, Number(n)])) } as Record<
      PacketState,
      number
    >;
  }

  /** One guarded change along the table of transitions; a packet in another state is an error, never silence (invariant 2). */
  private async change(unit: Unit, id: string, to: PacketState, set: string, values: unknown[] = []): Promise<void> {
    await unit.change({
      of: [id],
      sql: `UPDATE packets SET state = '${to}', ${set}, receipt_hash = coalesce($3, receipt_hash) WHERE id = $1 AND state = ANY($2) RETURNING id`,
      parameters: () => [id, sourcesOf(PACKET_TRANSITIONS, to), unit.records.takeHash(id), ...values],
      rows: 1,
      otherwise: async () => {
        const packet = await this.find(id);
        if (!packet) return new LienThongError('not_found');
        const { state } = packet;
        return new LienThongError('wrong_state', { state, action: `→ ${to}` }, { state });
      },
    });
  }
}

export async function partsOf(on: Pick<Unit, 'query'>, packetId: string): Promise<PartRow[]> {
  const rows = await on.query<Omit<PartRow, 'size'> & { size: string }>(
    `SELECT ordinal, name, media_type AS "mediaType", size, sha256, object_key AS "objectKey", upload_id AS "uploadId"
     FROM parts WHERE packet_id = $1 ORDER BY ordinal`,
    [packetId],
  );
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}
