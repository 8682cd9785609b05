import type { SystemContact, WebhookState } from '@lienthong/contracts';
import { contactsSql, onlineSql } from '../registry/registry-directory.store';
import { isoOrNull } from '../times';
import type { Transactions } from '../transactions';

/** An answered webhook of today; goes into the transaction that notes the answer. */
export const WEBHOOK_COUNTED = `INSERT INTO contact_counts (system_id, day, webhooks) VALUES ($1, (now() AT TIME ZONE 'UTC')::date, 1)
  ON CONFLICT (system_id, day) DO UPDATE SET webhooks = contact_counts.webhooks + 1`;

interface Row {
  systemId: string;
  online: boolean;
  contacts: { polls: number; webhooks: number };
  polledAt: Date | null;
  url: string | null;
  state: WebhookState;
  answeredAt: Date | null;
  failures: number;
  lastError: string | null;
  lastErrorAt: Date | null;
}

/** How often systems polled or answered their webhook, per day (UTC), and how they are reached now. */
export class ContactCountStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** Adds to the polls of today, many systems at once; in the order of the ids, so that two processes do not wait for each other in a circle. */
  async addPolls(polls: ReadonlyMap<string, number>): Promise<void> {
    const systemIds = [...polls.keys()].toSorted();
    await this.transactions.query(
      `INSERT INTO contact_counts (system_id, day, polls)
       SELECT system_id, (now() AT TIME ZONE 'UTC')::date, n FROM unnest($1::text[], $2::bigint[]) AS new (system_id, n)
       ON CONFLICT (system_id, day) DO UPDATE SET polls = contact_counts.polls + EXCLUDED.polls`,
      [systemIds, systemIds.map((systemId) => polls.get(systemId))],
    );
  }

  /** By id, after `after`. */
  async list(filter: { systemId?: string; after?: string; limit: number }): Promise<SystemContact[]> {
    const rows = await this.transactions.query<Row>(
      `SELECT y.id AS "systemId", ${onlineSql('y.id')} AS online, ${contactsSql('y.id')} AS contacts, s.polled_at AS "polledAt",
              w.url, w.state, w.answered_at AS "answeredAt", w.failures, w.last_error AS "lastError", w.last_error_at AS "lastErrorAt"
       FROM systems y LEFT JOIN streams s ON s.system_id = y.id LEFT JOIN webhooks w ON w.system_id = y.id
       WHERE ($1::text IS NULL OR y.id = $1) AND ($2::text IS NULL OR y.id > $2) ORDER BY y.id LIMIT $3`,
      [filter.systemId ?? null, filter.after ?? null, filter.limit],
    );
    return rows.map(({ systemId, online, contacts, polledAt, ...webhook }) => ({
      systemId,
      online,
      ...contacts,
      polledAt: isoOrNull(polledAt),
      webhook:
        webhook.url === null
          ? null
          : {
              host: new URL(webhook.url).host,
              state: webhook.state,
              failures: webhook.failures,
              answeredAt: isoOrNull(webhook.answeredAt),
              lastError: webhook.lastError,
              lastErrorAt: isoOrNull(webhook.lastErrorAt),
            },
    }));
  }
}
