import { auditRecord } from '../audit/audit-record';
import type { Transactions } from '../transactions';

export interface SealedWebhookSecret {
  webhookId: string;
  systemId: string;
  sealed: Buffer;
}

/** By its first bytes a box tells which master key it is under (`masterKeyMark` of identity). */
const MARK_BYTES = 9;

/** The sealed secrets of webhooks, for who exchanges the master key. A webhook may have two: the present and the former one. */
export class WebhookSecretStore {
  constructor(private readonly transactions: Transactions) {}

  /** @returns secrets that do not begin with `mark`, the next of them after this webhook's id */
  async sealedOtherwise(mark: Buffer, after: string, limit: number): Promise<SealedWebhookSecret[]> {
    return this.transactions.query<SealedWebhookSecret>(
      `SELECT id AS "webhookId", system_id AS "systemId", sealed FROM (
         SELECT id::text, system_id, sealed_secret AS sealed FROM webhooks
         UNION ALL SELECT former_id::text, system_id, former_secret FROM webhooks WHERE former_secret IS NOT NULL) boxes
       WHERE substring(sealed from 1 for $1) <> $2 AND id > $3 ORDER BY id LIMIT $4`,
      [MARK_BYTES, mark, after, limit],
    );
  }

  /** The same secrets in other boxes. @returns how many were replaced; one that changed meanwhile is left alone */
  async rewrap(secrets: readonly (SealedWebhookSecret & { rewrapped: Buffer })[]): Promise<number> {
    const boxes = [secrets.map(({ sealed }) => sealed), secrets.map(({ rewrapped }) => rewrapped)];
    return this.transactions.run(async (unit) => {
      const rows = await unit.query<{ systemId: string }>(
        `WITH new AS (SELECT * FROM unnest($1::bytea[], $2::bytea[]) AS new (former, box))
         UPDATE webhooks SET
           sealed_secret = coalesce((SELECT box FROM new WHERE former = sealed_secret), sealed_secret),
           former_secret = coalesce((SELECT box FROM new WHERE former = former_secret), former_secret)
         WHERE sealed_secret = ANY($1) OR former_secret = ANY($1) RETURNING system_id AS "systemId"`,
        boxes,
      );
      unit.records.audit.push(
        ...rows.map(({ systemId }) => auditRecord({ action: 'webhook.rewrapped', subject: systemId })),
      );
      return rows.length;
    });
  }
}
