import { v7 as uuidv7 } from 'uuid';
import { currentActor } from '../audit/actor';
import { auditRecord, insertEntries, type NewAuditEntry } from '../audit/audit-record';
import type { Transactions } from '../transactions';
import { LookUps } from './look-ups';

/** A session with what became of the key that opened it and of its system: it lives no longer than they do. */
export interface SessionRecord {
  sessionId: string;
  accessKey: string;
  /** Null: an administrator's. */
  systemId: string | null;
  expiresAt: Date;
  endedAt: Date | null;
  keyRevokedAt: Date | null;
  keyExpiresAt: Date | null;
  suspendedAt: Date | null;
}

export type EndedCode = 'key_revoked' | 'key_expired' | 'session_expired';

export class SessionStore {
  private readonly lookUps = new LookUps((sessionIds) => this.rowsOf(sessionIds));

  constructor(private readonly transactions: Transactions) {}

  /**
   * @param session `at`: milliseconds, by the database's clock: the id carries them, and they decide under which day's key the session is; `access`: the right to call a system's own service that comes with it, recorded in the same statement
   * @returns its id
   */
  async open(session: {
    accessKey: string;
    systemId: string | null;
    at: number;
    expiresAt: Date;
    access?: { source: string; destination: string };
  }): Promise<string> {
    const id = uuidv7({ msecs: session.at });
    const expiresAt = session.expiresAt.toISOString();
    const { access } = session;
    const entries: NewAuditEntry[] = [{ action: 'session.opened', subject: id, detail: { expiresAt } }];
    if (access)
      entries.push({
        action: 'access.granted',
        subject: access.destination,
        detail: { ...access, sessionId: id, expiresAt },
      });
    await this.transactions.query(
      `WITH entry AS (${insertEntries('$5')})
       INSERT INTO sessions (id, access_key, system_id, expires_at) VALUES ($1, $2, $3, $4)`,
      [id, session.accessKey, session.systemId, session.expiresAt, JSON.stringify(entries.map(auditRecord))],
    );
    return id;
  }

  /** @param sessionId a UUID in lower case */
  find(sessionId: string): Promise<SessionRecord | undefined> {
    return this.lookUps.find(sessionId);
  }

  private async rowsOf(sessionIds: string[]): Promise<Map<string, SessionRecord>> {
    const rows = await this.transactions.query<SessionRecord>(
      `SELECT s.id AS "sessionId", s.access_key AS "accessKey", s.system_id AS "systemId", s.expires_at AS "expiresAt", s.ended_at AS "endedAt",
              k.revoked_at AS "keyRevokedAt", k.expires_at AS "keyExpiresAt", y.suspended_at AS "suspendedAt"
       FROM sessions s JOIN keys k USING (access_key) LEFT JOIN systems y ON y.id = s.system_id WHERE s.id = ANY($1::uuid[])`,
      [sessionIds],
    );
    return new Map(rows.map((row) => [row.sessionId, row]));
  }

  /**
   * Which of these no longer authorise anything, and by which error code: one statement for all that hold something open.
   * @param accessKeys of who holds no session @param sessionIds UUIDs
   */
  async ended(accessKeys: string[], sessionIds: string[]): Promise<Map<string, EndedCode>> {
    const rows = await this.transactions.query<{ id: string; code: EndedCode }>(
      `SELECT k.access_key AS id, CASE WHEN k.revoked_at IS NULL AND y.suspended_at IS NULL THEN 'key_expired' ELSE 'key_revoked' END AS code
       FROM keys k LEFT JOIN systems y ON y.id = k.system_id
       WHERE k.access_key = ANY($1) AND (k.revoked_at IS NOT NULL OR k.expires_at <= now() OR y.suspended_at IS NOT NULL)
       UNION ALL
       SELECT s.id::text, CASE WHEN k.revoked_at IS NULL AND y.suspended_at IS NULL THEN 'session_expired' ELSE 'key_revoked' END
       FROM sessions s JOIN keys k USING (access_key) LEFT JOIN systems y ON y.id = s.system_id
       WHERE s.id = ANY($2::uuid[])
         AND (s.ended_at IS NOT NULL OR s.expires_at <= now() OR k.revoked_at IS NOT NULL OR k.expires_at <= now() OR y.suspended_at IS NOT NULL)`,
      [accessKeys, sessionIds],
    );
    return new Map(rows.map(({ id, code }) => [id, code]));
  }

  async end(sessionId: string): Promise<void> {
    await this.transactions.query(
      `WITH ended AS (UPDATE sessions SET ended_at = now() WHERE id = $1 AND ended_at IS NULL RETURNING id, system_id)
       INSERT INTO audit_entries (actor, system_id, action, subject) SELECT $2, system_id, 'session.closed', id FROM ended`,
      [sessionId, currentActor().actor],
    );
  }
}
