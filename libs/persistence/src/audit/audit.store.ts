import type { AuditCheckpointItem, AuditItem } from '@lienthong/contracts';
import { iso } from '../times';
import type { Transactions, Unit } from '../transactions';
import { auditRecord, insertEntries, type NewAuditEntry } from './audit-record';
import { BY_KEY, ENTRY } from './stored-entry';

export interface AuditFilter {
  since?: Date;
  until?: Date;
  actor?: string;
  action?: string;
  packetId?: string;
  /** Where the former page ended: time and id. */
  before?: { at: string; id: string };
  limit: number;
}

/** Without an end asked for: as far back as one page looks. */
const LOOKED_BACK_DAYS = 31;

/** The audit log as it is written and read; sealing is `AuditSealStore`. */
export class AuditStore {
  constructor(private readonly transactions: Transactions) {}

  /** Commits with the unit, or not at all. */
  add(unit: Unit, entries: NewAuditEntry[]): void {
    unit.records.audit.push(...entries.map(auditRecord));
  }

  /** What changes nothing else: an access, a refusal. Recorded before it is answered. */
  async record(entries: NewAuditEntry[]): Promise<void> {
    await this.transactions.query(insertEntries('$1'), [JSON.stringify(entries.map(auditRecord))]);
  }

  /** Newest first, 31 days back from `until` unless `since` says otherwise. */
  async list({ since, until, actor, action, packetId, before, limit }: AuditFilter): Promise<AuditItem[]> {
    const newest = until ?? new Date();
    const oldest = since ?? (packetId ? new Date(0) : new Date(newest.getTime() - LOOKED_BACK_DAYS * 86_400_000));
    const rows = await this.transactions.query<Omit<AuditItem, 'seq'> & { seq: string | null }>(
      `SELECT (SELECT seq FROM audit_leaves l WHERE l.entry_id = e.id AND l.entry_at = e.at) AS seq, ${ENTRY} FROM audit_entries e
       WHERE e.at >= $1 AND ($2::timestamptz IS NULL OR e.at < $2) AND ($3::text IS NULL OR e.actor = $3)
         AND ($4::text IS NULL OR e.action = $4) AND ($5::uuid IS NULL OR e.packet_id = $5)
         AND ($6::timestamptz IS NULL OR (e.at, e.id) < ($6, $7::uuid))
       ORDER BY e.at DESC, e.id DESC LIMIT $8`,
      [
        oldest,
        until ?? null,
        actor ?? null,
        action ?? null,
        packetId ?? null,
        before?.at ?? null,
        before?.id ?? null,
        limit,
      ],
    );
    return rows.map(({ seq, ...entry }) => ({ seq: seq === null ? null : Number(seq), ...entry }));
  }

  /** Newest first. @param below the size where the former page ended */
  async checkpoints(limit: number, below?: number): Promise<AuditCheckpointItem[]> {
    const rows = await this.transactions.query<{ size: string; at: Date; jws: string }>(
      `SELECT size, at, jws FROM audit_checkpoints WHERE $2::bigint IS NULL OR size < $2 ORDER BY size DESC LIMIT $1`,
      [limit, below ?? null],
    );
    return rows.map(({ size, at, jws }) => ({ size: Number(size), at: iso(at), jws }));
  }

  /** Entries that are not sealed yet, counted up to 100,000, and the age of the oldest in seconds. */
  async unsealed(): Promise<{ entries: number; seconds: number }> {
    const [row] = await this.transactions.run(async (unit) => {
      const [, rows] = await Promise.all([
        unit.query(`SELECT ${BY_KEY}`),
        unit.query<{ n: string; seconds: string | null }>(
          `WITH last AS (SELECT era, xid, entry_id AS id FROM audit_leaves ORDER BY seq DESC LIMIT 1),
                rest AS (SELECT e.at FROM audit_entries e
                         WHERE (e.era, e.xid, e.id) > (coalesce((SELECT era FROM last), -1::smallint), coalesce((SELECT xid FROM last), '0'::xid8),
                                                       coalesce((SELECT id FROM last), '00000000-0000-0000-0000-000000000000'))
                         ORDER BY e.era, e.xid, e.id LIMIT 100000)
           SELECT count(*) AS n, extract(epoch FROM now() - min(at)) AS seconds FROM rest`,
        ),
      ]);
      return rows;
    });
    return { entries: Number(row.n), seconds: Math.max(0, Number(row.seconds ?? 0)) };
  }
}
