import type { Transactions } from '../transactions';

export interface ContactCounts {
  polls: number;
  webhooks: number;
}

/** How often systems polled or answered their webhook, per day (UTC): many together in one statement, never one per poll. */
export class ContactCountStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** Adds to the counts of today, in the order of the ids: two processes that add together do not wait for each other in a circle. */
  async add(counts: ReadonlyMap<string, ContactCounts>): Promise<void> {
    const systemIds = [...counts.keys()].toSorted();
    await this.transactions.query(
      `INSERT INTO contact_counts (system_id, day, polls, webhooks)
       SELECT system_id, (now() AT TIME ZONE 'UTC')::date, polls, webhooks FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS new (system_id, polls, webhooks)
       ON CONFLICT (system_id, day) DO UPDATE SET polls = contact_counts.polls + EXCLUDED.polls, webhooks = contact_counts.webhooks + EXCLUDED.webhooks`,
      [
        systemIds,
        systemIds.map((systemId) => counts.get(systemId)?.polls ?? 0),
        systemIds.map((systemId) => counts.get(systemId)?.webhooks ?? 0),
      ],
    );
  }
}
