import { type PacketState, type PacketSummary, PRIORITIES } from '@lienthong/contracts';
import { searchPatterns } from '../registry/search-text';
import { isoSql } from '../times';
import type { Transactions } from '../transactions';

export interface PacketFilter {
  states?: PacketState[];
  to?: string;
  since?: Date;
  until?: Date;
  q?: string;
  /** Only packets of these data types; all without it. */
  dataTypes?: readonly string[];
  /** The id where the former page ended. */
  before?: string;
  limit: number;
}

/** A source's own packets, newest first, read along the index of its ids. */
export class PacketListStore {
  constructor(private readonly transactions: Transactions) {}

  async list(source: string, filter: PacketFilter): Promise<PacketSummary[]> {
    const rows = await this.transactions.query<{ item: PacketSummary }>(
      `SELECT jsonb_build_object('packetId', id, 'state', state, 'from', source, 'title', title,
                'priority', ('{${PRIORITIES.join(',')}}'::text[])[priority + 1], 'dataType', data_type, 'protocol', protocol, 'inReplyTo', in_reply_to,
                'to', (SELECT jsonb_agg(r ->> 'address') FROM jsonb_array_elements(recipients) r),
                'createdAt', ${isoSql('created_at')}, 'receivedAt', ${isoSql('received_at')}, 'finishedAt', ${isoSql('finished_at')},
                'purgedAt', ${isoSql('purged_at')}) AS item
       FROM packets
       WHERE source = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::text[] IS NULL OR state = ANY($3))
         AND ($4::timestamptz IS NULL OR created_at >= $4) AND ($5::timestamptz IS NULL OR created_at < $5)
         AND ($6::text IS NULL OR recipients @> jsonb_build_array(jsonb_build_object('address', $6::text))
              OR recipients @> jsonb_build_array(jsonb_build_object('systemId', $6::text)))
         AND ($7::text[] IS NULL OR search LIKE ALL ($7)) AND ($9::text[] IS NULL OR data_type = ANY($9))
       ORDER BY id DESC LIMIT $8`,
      [
        source,
        filter.before ?? null,
        filter.states ?? null,
        filter.since ?? null,
        filter.until ?? null,
        filter.to ?? null,
        filter.q ? searchPatterns(filter.q) : null,
        filter.limit,
        filter.dataTypes ?? null,
      ],
    );
    return rows.map((row) => row.item);
  }
}
