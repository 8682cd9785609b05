import type { EventType, WebhookState, WebhookView } from '@lienthong/contracts';
import { auditRecord } from '../audit/audit-record';
import { iso, isoOrNull } from '../times';
import type { Transactions } from '../transactions';

export interface NewWebhookRecord {
  webhookId: string;
  systemId: string;
  url: string;
  events: EventType[] | null;
  sealed: Buffer;
}

export interface StoredWebhook {
  view: WebhookView;
  webhookId: string;
  sealed: Buffer;
  formerUntil: string | null;
}

interface Row {
  webhookId: string;
  sealed: Buffer;
  formerUntil: Date | null;
  url: string;
  events: EventType[] | null;
  state: WebhookState;
  verifiedAt: Date;
  offset: string;
  answeredAt: Date | null;
  failures: number;
  lastError: string | null;
  lastErrorAt: Date | null;
  nextAttemptAt: Date;
}

const COLUMNS = `id AS "webhookId", sealed_secret AS sealed, former_until AS "formerUntil", url, events, state, verified_at AS "verifiedAt",
  after_offset AS "offset", answered_at AS "answeredAt", failures, last_error AS "lastError", last_error_at AS "lastErrorAt",
  next_attempt_at AS "nextAttemptAt"`;

/** The webhook of a system: one, or none. Who calls it and how that went is `WebhookTurnStore`'s. */
export class WebhookStore {
  constructor(private readonly transactions: Transactions) {}

  async find(systemId: string): Promise<StoredWebhook | undefined> {
    const [row] = await this.transactions.query<Row>(`SELECT ${COLUMNS} FROM webhooks WHERE system_id = $1`, [
      systemId,
    ]);
    return row && storedOf(row);
  }

  /**
   * A verified webhook, in place of the one there was. It goes on where that one stopped, a first one after what the system has acknowledged.
   * With the same address the former secret signs too for `overlapSeconds`, so that the receiver may change secrets without a stop.
   */
  async set(webhook: NewWebhookRecord, overlapSeconds: number): Promise<StoredWebhook> {
    const { webhookId, systemId, url, events, sealed } = webhook;
    return this.transactions.run(async (unit) => {
      const [row] = await unit.query<Row>(
        `INSERT INTO webhooks AS w (system_id, id, url, events, sealed_secret, state, after_offset)
         VALUES ($1, $2, $3, $4, $5, 'verified', coalesce((SELECT acked_offset FROM streams WHERE system_id = $1), 0))
         ON CONFLICT (system_id) DO UPDATE SET id = $2, url = $3, events = $4, sealed_secret = $5, state = 'verified', verified_at = now(),
           former_secret = CASE WHEN w.url = $3 THEN w.sealed_secret END, former_id = CASE WHEN w.url = $3 THEN w.id END,
           former_until = CASE WHEN w.url = $3 THEN now() + make_interval(secs => $6) END,
           failures = 0, failing_since = NULL, last_error = NULL, last_error_at = NULL, next_attempt_at = now()
         RETURNING ${COLUMNS}`,
        [systemId, webhookId, url, events, sealed, overlapSeconds],
      );
      // An address may hold a token of its receiver's: the log has its host alone.
      const { host } = new URL(url);
      unit.records.audit.push(auditRecord({ action: 'webhook.set', subject: systemId, detail: { host, events } }));
      return storedOf(row);
    });
  }

  /** @returns false when there was none */
  async remove(systemId: string): Promise<boolean> {
    return this.transactions.run(async (unit) => {
      const rows = await unit.query('DELETE FROM webhooks WHERE system_id = $1 RETURNING system_id', [systemId]);
      if (rows.length > 0) unit.records.audit.push(auditRecord({ action: 'webhook.removed', subject: systemId }));
      return rows.length > 0;
    });
  }
}

function storedOf({ webhookId, sealed, formerUntil, ...row }: Row): StoredWebhook {
  return {
    webhookId,
    sealed,
    formerUntil: isoOrNull(formerUntil),
    view: {
      url: row.url,
      events: row.events,
      state: row.state,
      verifiedAt: iso(row.verifiedAt),
      offset: row.offset,
      answeredAt: isoOrNull(row.answeredAt),
      failures: row.failures,
      lastError: row.lastError,
      lastErrorAt: isoOrNull(row.lastErrorAt),
      nextAttemptAt: row.failures > 0 && row.state !== 'off' ? iso(row.nextAttemptAt) : null,
    },
  };
}
