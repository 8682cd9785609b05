import type { EventType, StreamEvent, WebhookState } from '@lienthong/contracts';
import { auditRecord } from '../audit/audit-record';
import { acknowledgement, announcementAcknowledged } from './acknowledgement';
import { WEBHOOK_COUNTED } from './contact-count.store';
import type { Transactions, Unit } from '../transactions';

/** Longer than an attempt may take: who holds a webhook for so long without a word is gone. */
const LEASE_SECONDS = 20;

/** The right to send to one webhook, for a while. */
export interface WebhookTurn {
  systemId: string;
  webhookId: string;
  lease: string;
  url: string;
  events: EventType[] | null;
  state: WebhookState;
  failures: number;
  /** It has failed for longer than it is tried. */
  hopeless: boolean;
  sealed: Buffer;
  former: { webhookId: string; sealed: Buffer } | null;
  /** Everything up to here was sent, is not wanted, or was acknowledged in another way. */
  position: number;
}

type Row = Omit<WebhookTurn, 'lease' | 'former' | 'position'> & {
  formerId: string | null;
  formerSecret: Buffer | null;
  position: string;
};

export interface WebhookFailure {
  error: string;
  /** The receiver said that it is gone, or has failed for too long. */
  off: boolean;
  /** From how many failures in a row on it counts as failing. */
  failingFrom: number;
  waitSeconds: number;
}

/**
 * Sending to webhooks: one sender per webhook over all instances (a lease), in the order of the stream, and every outcome noted only by who still holds
 * the lease for that very webhook.
 */
export class WebhookTurnStore {
  constructor(private readonly transactions: Transactions) {}

  /** Systems whose webhook may be called: who hears of new events listens for these. */
  async systems(): Promise<string[]> {
    const rows = await this.transactions.query<{ id: string }>(
      `SELECT system_id AS id FROM webhooks WHERE state <> 'off'`,
    );
    return rows.map(({ id }) => id);
  }

  /**
   * Takes webhooks that have something to be sent and whose time has come, the longest waiting first (index `webhooks_to_call`); each look-up
   * beside that is by a primary key. Systems that are suspended wait.
   * @param among only of these systems; null: of all
   * @param failing those whose last attempt failed, or the others
   * @param hopelessSeconds past this a failing one is {@link WebhookTurn.hopeless}
   */
  async claim(
    lease: string,
    options: { among: string[] | null; failing: boolean; limit: number; hopelessSeconds: number },
  ): Promise<WebhookTurn[]> {
    const rows = await this.transactions.query<Row>(
      `WITH due AS (
         SELECT w.system_id, greatest(w.after_offset, s.acked_offset, s.forgotten) AS position
         FROM webhooks w JOIN streams s ON s.system_id = w.system_id JOIN systems y ON y.id = w.system_id
         WHERE w.state <> 'off' AND w.next_attempt_at <= now() AND (w.leased_until IS NULL OR w.leased_until < now())
           AND (w.failures > 0) = $3 AND ($2::text[] IS NULL OR w.system_id = ANY($2))
           AND y.suspended_at IS NULL AND s.last_offset > greatest(w.after_offset, s.acked_offset)
         ORDER BY w.next_attempt_at LIMIT $4 FOR UPDATE OF w SKIP LOCKED)
       UPDATE webhooks w SET lease = $1, leased_until = now() + make_interval(secs => ${LEASE_SECONDS}),
         former_secret = CASE WHEN former_until > now() THEN former_secret END
       FROM due WHERE w.system_id = due.system_id
       RETURNING w.system_id AS "systemId", w.id AS "webhookId", url, events, state, failures, sealed_secret AS sealed,
         coalesce(failing_since < now() - make_interval(secs => $5), false) AS hopeless,
         former_id AS "formerId", former_secret AS "formerSecret", due.position`,
      [lease, options.among, options.failing, options.limit, options.hopelessSeconds],
    );
    return rows.map(({ formerId, formerSecret, position, ...row }) => ({
      ...row,
      lease,
      former: formerId && formerSecret ? { webhookId: formerId, sealed: formerSecret } : null,
      position: Number(position),
    }));
  }

  /**
   * The receiver answered 2xx: as good as an acknowledgement on the stream. With a choice of types only this event counts as acknowledged: what was not
   * sent is still to be read.
   * @returns `position`: what need not be sent any more, also because it was acknowledged elsewhere meanwhile; `notified`: deliveries that it made so;
   * undefined when the lease is lost
   */
  async answered(turn: WebhookTurn, event: StreamEvent): Promise<{ position: number; notified: number } | undefined> {
    const offset = Number(event.offset);
    return this.transactions.run(async (unit) => {
      const [row] = await unit.query<{ position: string }>(
        `UPDATE webhooks SET after_offset = greatest(after_offset, $4), answered_at = now(), state = 'verified', failures = 0,
           failing_since = NULL, last_error = NULL, last_error_at = NULL, next_attempt_at = now(),
           leased_until = now() + make_interval(secs => ${LEASE_SECONDS})
         WHERE ${HELD} RETURNING greatest(after_offset, (SELECT acked_offset FROM streams s WHERE s.system_id = $1)) AS position`,
        [...held(turn), offset],
      );
      if (!row) return undefined;
      const { text, values } =
        turn.events === null
          ? acknowledgement(turn.systemId, offset, { channel: 'webhook' })
          : announcementAcknowledged(turn.systemId, offset, { channel: 'webhook' });
      const [notified] = await Promise.all([unit.query(text, values), unit.query(WEBHOOK_COUNTED, [turn.systemId])]);
      if (turn.state === 'failing') this.note(unit, turn, 'webhook.recovered');
      return { position: Number(row.position), notified: notified.length };
    });
  }

  /**
   * Notes a failed attempt and when the next one is due; a change of state once in the audit log, the first failure of a notice in its packet's timeline.
   * @returns whether the timeline was told
   */
  async failed(turn: WebhookTurn, event: StreamEvent, failure: WebhookFailure): Promise<boolean> {
    const { error, off, failingFrom, waitSeconds } = failure;
    return this.transactions.run(async (unit) => {
      const [row] = await unit.query<{ state: WebhookState; failures: number }>(
        `UPDATE webhooks SET failures = failures + 1, last_error = $4, last_error_at = now(), lease = NULL, leased_until = NULL,
           state = CASE WHEN $5 THEN 'off' WHEN failures + 1 >= $6 THEN 'failing' ELSE state END,
           failing_since = coalesce(failing_since, now()),
           next_attempt_at = now() + make_interval(secs => $7)
         WHERE ${HELD} RETURNING state, failures`,
        [...held(turn), error, off, failingFrom, waitSeconds],
      );
      if (!row) return false;
      if (row.state === 'off') this.note(unit, turn, 'webhook.off', { error });
      else if (row.state === 'failing' && turn.state !== 'failing') this.note(unit, turn, 'webhook.failing', { error });
      const { deliveryId } = event.data;
      if (row.failures > 1 || event.type !== 'packet.available' || typeof deliveryId !== 'string') return false;
      unit.records.audit.push(
        auditRecord({ action: 'delivery.webhookFailed', packetId: event.subject, deliveryId, detail: { error } }),
      );
      return true;
    });
  }

  /** Lets another have it: at once, or after a while when it was no fault of the receiver's. */
  async release(turn: WebhookTurn, position: number, waitSeconds = 0): Promise<void> {
    await this.transactions.query(
      `UPDATE webhooks SET lease = NULL, leased_until = NULL,
         after_offset = CASE WHEN id = $2 THEN greatest(after_offset, $4) ELSE after_offset END,
         next_attempt_at = CASE WHEN id = $2 THEN now() + make_interval(secs => $5) ELSE next_attempt_at END
       WHERE system_id = $1 AND lease = $3`,
      [...held(turn), position, waitSeconds],
    );
  }

  private note(
    unit: Unit,
    { systemId }: WebhookTurn,
    action: 'webhook.failing' | 'webhook.recovered' | 'webhook.off',
    detail: Record<string, unknown> = {},
  ): void {
    unit.records.audit.push(auditRecord({ action, subject: systemId, detail }));
  }
}

const HELD = 'system_id = $1 AND id = $2 AND lease = $3';
const held = ({ systemId, webhookId, lease }: WebhookTurn): string[] => [systemId, webhookId, lease];
