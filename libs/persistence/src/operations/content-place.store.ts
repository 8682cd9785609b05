import type { Transactions } from '../transactions';

export interface Expected {
  id: string;
  round: number;
}

/** An address for an upload lives for an hour; what comes by it after the purge is purged again by then. */
const LATE_UPLOADS = `interval '2 hours'`;

/** What the record says of content, for whoever has listed the store (check-store). */
export class ContentPlaceStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** Packets that have content now, since they were received and are not final. @param most of them are told, any */
  async expected(most: number): Promise<Expected[]> {
    // The three states of the partial index `packets_live`, so that it is used.
    return this.transactions.query<Expected>(
      `SELECT id, round FROM packets WHERE state IN ('open', 'received', 'scheduled') AND state <> 'open' LIMIT $1`,
      [most],
    );
  }

  /** Those of them that still are in the same round and not final: what a list taken meanwhile lacks was lacking. */
  async stillExpected(packets: Expected[]): Promise<string[]> {
    const rows = await this.transactions.query<{ id: string }>(
      `SELECT p.id FROM unnest($1::uuid[], $2::int[]) AS asked (id, round) JOIN packets p ON p.id = asked.id AND p.round = asked.round
       WHERE p.state IN ('received', 'scheduled')`,
      [packets.map(({ id }) => id), packets.map(({ round }) => round)],
    );
    return rows.map(({ id }) => id);
  }

  /** Those of which nothing can be there: no such packet, or one whose content was deleted two hours ago. */
  async unknown(ids: string[]): Promise<string[]> {
    const rows = await this.transactions.query<{ id: string }>(
      `SELECT asked.id FROM unnest($1::uuid[]) AS asked (id)
       WHERE NOT EXISTS (SELECT 1 FROM packets p WHERE p.id = asked.id AND (p.purged_at IS NULL OR p.purged_at > now() - ${LATE_UPLOADS}))`,
      [ids],
    );
    return rows.map(({ id }) => id);
  }
}
