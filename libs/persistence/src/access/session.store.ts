import { v7 as uuidv7 } from 'uuid';
import { currentActor } from '../audit/actor';
import { auditRecord, insertEntries } from '../audit/audit-record';
import type { Transactions } from '../transactions';

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

export class SessionStore {
  constructor(private readonly transactions: Transactions) {}

  async open(session: { accessKey: string; systemId: string | null; expiresAt: Date }): Promise<string> {
    const id = uuidv7();
    await this.transactions.query(
      `WITH entry AS (${insertEntries('$5')})
       INSERT INTO sessions (id, access_key, system_id, expires_at) VALUES ($1, $2, $3, $4)`,
      [
        id,
        session.accessKey,
        session.systemId,
        session.expiresAt,
        JSON.stringify([
          auditRecord({
            action: 'session.opened',
            subject: id,
            detail: { expiresAt: session.expiresAt.toISOString() },
          }),
        ]),
      ],
    );
    return id;
  }

  /** @param sessionId a UUID */
  async find(sessionId: string): Promise<SessionRecord | undefined> {
    const [row] = await this.transactions.query<SessionRecord>(
      `SELECT s.id AS "sessionId", s.access_key AS "accessKey", s.system_id AS "systemId", s.expires_at AS "expiresAt", s.ended_at AS "endedAt",
              k.revoked_at AS "keyRevokedAt", k.expires_at AS "keyExpiresAt", y.suspended_at AS "suspendedAt"
       FROM sessions s JOIN keys k USING (access_key) LEFT JOIN systems y ON y.id = s.system_id WHERE s.id = $1`,
      [sessionId],
    );
    return row;
  }

  async end(sessionId: string): Promise<void> {
    await this.transactions.query(
      `WITH ended AS (UPDATE sessions SET ended_at = now() WHERE id = $1 AND ended_at IS NULL RETURNING id, system_id)
       INSERT INTO audit_entries (actor, system_id, action, subject) SELECT $2, system_id, 'session.closed', id FROM ended`,
      [sessionId, currentActor().actor],
    );
  }
}
