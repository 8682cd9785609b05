import { LIMITS } from '@lienthong/contracts';
import { createHash, randomBytes } from 'node:crypto';
import type { Transactions } from '../transactions';

export interface TicketHolder {
  systemId: string;
  /** What the ticket was asked for with: when these end, so does the stream. */
  accessKey: string;
  sessionId?: string;
}

/** Tickets for browsers, which cannot sign an upgrade: good once, for 30 s (protocol 7). What is stored does not open a stream. */
export class StreamTicketStore {
  constructor(private readonly transactions: Transactions) {}

  /** @returns 256 random bits, base64url */
  async issue(holder: TicketHolder): Promise<{ ticket: string; expiresAt: Date }> {
    const ticket = randomBytes(32).toString('base64url');
    const [{ expiresAt }] = await this.transactions.query<{ expiresAt: Date }>(
      `INSERT INTO stream_tickets (ticket_hash, system_id, access_key, session_id, expires_at)
       VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5)) RETURNING expires_at AS "expiresAt"`,
      [hashOf(ticket), holder.systemId, holder.accessKey, holder.sessionId ?? null, LIMITS.streamTicketSeconds],
    );
    return { ticket, expiresAt };
  }

  /** Spends a ticket. @returns undefined when it is unknown, spent or too old */
  async redeem(ticket: string): Promise<TicketHolder | undefined> {
    const [row] = await this.transactions.query<TicketHolder & { live: boolean; sessionId: string | null }>(
      `DELETE FROM stream_tickets WHERE ticket_hash = $1
       RETURNING system_id AS "systemId", access_key AS "accessKey", session_id AS "sessionId", expires_at > now() AS live`,
      [hashOf(ticket)],
    );
    if (!row?.live) return undefined;
    return { systemId: row.systemId, accessKey: row.accessKey, ...(row.sessionId && { sessionId: row.sessionId }) };
  }
}

const hashOf = (ticket: string): Buffer => createHash('sha256').update(ticket).digest();
