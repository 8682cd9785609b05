import { KEY_WARNING_DAYS, type KeyView, type LegacyKey, type SignatureAlgorithm } from '@lienthong/contracts';
import { auditRecord } from '../audit/audit-record';
import { KeyEntity } from '../registry/key.entity';
import { iso, isoOrNull } from '../times';
import type { Transactions, Unit } from '../transactions';
import { LookUps } from './look-ups';

type LegacyRow = Pick<LegacyKey, 'accessKey' | 'systemId' | 'uses30Days' | 'usesInAll'> &
  Record<'revokedAt' | 'expiresAt' | 'lastUsedAt', Date | null> & { legacyUntil: Date };

/** A key as authentication needs it. */
export interface KeyRecord {
  accessKey: string;
  /** Null: an administrator's. */
  systemId: string | null;
  algorithms: SignatureAlgorithm[];
  sealedSecret: Buffer | null;
  publicKeyPem: string | null;
  bearer: boolean;
  expiresAt: Date | null;
  revokedAt: Date | null;
  /** With hmac-sha1: until when it is taken. */
  legacyUntil: Date | null;
  /** When the key's system was suspended. */
  suspendedAt: Date | null;
  /** When the agency of the key's system was dissolved: it may still sign, to wind up; it gets no tokens. */
  dissolvedAt: Date | null;
}

export type NewKeyRecord = Pick<
  KeyEntity,
  'accessKey' | 'systemId' | 'algorithms' | 'sealedSecret' | 'publicKeyPem' | 'bearer' | 'expiresAt'
> &
  Partial<Pick<KeyEntity, 'legacyUntil'>>;

/** A key that ends soon and whose holder was not told so yet. */
export interface ExpiringKey {
  accessKey: string;
  /** Null: an administrator's. */
  systemId: string | null;
  algorithms: SignatureAlgorithm[];
  expiresAt: Date;
  replacedBy: string | null;
}

export type SealedKey = Pick<KeyEntity, 'accessKey' | 'systemId'> & { sealedSecret: Buffer };

/** By its first bytes a box tells which master key it is under (`masterKeyMark` of identity). */
const MARK_BYTES = 9;

/** The context that a key's secret is sealed with: a secret that is moved to another key or system does not open. */
export const secretContext = (accessKey: string, systemId: string | null): string => `${accessKey} ${systemId ?? ''}`;

export class KeyStore {
  private readonly lookUps = new LookUps((accessKeys) => this.rowsOf(accessKeys));

  constructor(private readonly transactions: Transactions) {}

  find(accessKey: string): Promise<KeyRecord | undefined> {
    return this.lookUps.find(accessKey);
  }

  private async rowsOf(accessKeys: string[]): Promise<Map<string, KeyRecord>> {
    const rows = await this.transactions.query<KeyRecord>(
      `SELECT k.access_key AS "accessKey", k.system_id AS "systemId", k.algorithms, k.sealed_secret AS "sealedSecret",
              k.public_key_pem AS "publicKeyPem", k.bearer, k.expires_at AS "expiresAt", k.revoked_at AS "revokedAt",
              k.legacy_until AS "legacyUntil", s.suspended_at AS "suspendedAt", a.dissolved_at AS "dissolvedAt"
       FROM keys k LEFT JOIN systems s ON s.id = k.system_id LEFT JOIN agencies a ON a.code = s.agency_code WHERE k.access_key = ANY($1)`,
      [accessKeys],
    );
    return new Map(rows.map((row) => [row.accessKey, row]));
  }

  async add(key: NewKeyRecord): Promise<void> {
    await this.transactions.runWithEntities(async (unit) => {
      await unit.manager.getRepository(KeyEntity).insert({ ...key, ...warnedFrom(key) });
      unit.records.audit.push(issued(key));
    });
  }

  /**
   * Issues a key in place of another, which ends `overlapSeconds` from now at the latest: until then both hold.
   * @returns when the former ends; undefined when the system has no such key in force, or it was replaced already
   */
  async replace(former: string, key: NewKeyRecord, overlapSeconds: number): Promise<Date | undefined> {
    const ends = await this.transactions
      .runWithEntities(async (unit) => {
        await unit.manager.getRepository(KeyEntity).insert({ ...key, ...warnedFrom(key) });
        unit.records.audit.push(issued(key, { replaces: former }));
        const [row] = await unit.query<{ expiresAt: Date }>(
          `UPDATE keys SET replaced_by = $3, expires_at = least(expires_at, now() + make_interval(secs => $4))
         WHERE access_key = $1 AND system_id IS NOT DISTINCT FROM $2 AND replaced_by IS NULL
           AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
         RETURNING expires_at AS "expiresAt"`,
          [former, key.systemId, key.accessKey, overlapSeconds],
        );
        if (!row) throw new NotInForce();
        return row.expiresAt;
      })
      .catch((error: unknown) => {
        if (error instanceof NotInForce) return undefined;
        throw error;
      });
    return ends;
  }

  /**
   * The keys for which one of the warnings is due, `KEY_WARNING_DAYS` before their end, each warning once; noted as given in the same transaction.
   * @param limit keys of one call
   */
  async warn(unit: Unit, limit: number): Promise<ExpiringKey[]> {
    return unit.query<ExpiringKey>(
      `UPDATE keys SET warned_days = due.days
       FROM (SELECT access_key, (SELECT min(day) FROM unnest($1::int[]) AS day WHERE expires_at <= now() + make_interval(days => day)) AS days
             FROM keys
             WHERE expires_at > now() AND expires_at <= now() + make_interval(days => $2) AND revoked_at IS NULL AND warned_days > 1
               AND EXISTS (SELECT 1 FROM unnest($1::int[]) AS day WHERE day < warned_days AND expires_at <= now() + make_interval(days => day))
             ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS due
       WHERE keys.access_key = due.access_key
       RETURNING keys.access_key AS "accessKey", system_id AS "systemId", algorithms, expires_at AS "expiresAt", replaced_by AS "replacedBy"`,
      [KEY_WARNING_DAYS, Math.max(...KEY_WARNING_DAYS), limit],
    );
  }

  /** Keys of a system (null: the administrators'), newest first, revoked and expired ones too. */
  async list(systemId: string | null): Promise<KeyView[]> {
    const keys = await this.transactions.dataSource
      .getRepository(KeyEntity)
      .createQueryBuilder('key')
      .where('key.systemId IS NOT DISTINCT FROM :systemId', { systemId })
      .orderBy('key.createdAt', 'DESC')
      .getMany();
    return keys.map(viewOf);
  }

  /** Revokes for good; the sessions opened with the key end with it. @returns false when the system has no such key */
  async revoke(systemId: string | null, accessKey: string): Promise<boolean> {
    return this.transactions.run(async (unit) => {
      const rows = await unit.query(
        `UPDATE keys SET revoked_at = coalesce(revoked_at, now())
         WHERE access_key = $1 AND system_id IS NOT DISTINCT FROM $2 RETURNING access_key`,
        [accessKey, systemId],
      );
      if (rows.length === 0) return false;
      unit.records.audit.push(auditRecord({ action: 'key.revoked', subject: accessKey, detail: { systemId } }));
      return true;
    });
  }

  /** Adds to the uses of hmac-sha1 of today, per key. */
  async countLegacy(uses: ReadonlyMap<string, number>): Promise<void> {
    const accessKeys = [...uses.keys()].toSorted();
    await this.transactions.query(
      `INSERT INTO legacy_uses (access_key, day, n)
       SELECT access_key, (now() AT TIME ZONE 'UTC')::date, n FROM unnest($1::text[], $2::bigint[]) AS use (access_key, n)
       ON CONFLICT (access_key, day) DO UPDATE SET n = legacy_uses.n + EXCLUDED.n`,
      [accessKeys, accessKeys.map((accessKey) => uses.get(accessKey))],
    );
  }

  /** Every key that may use hmac-sha1 or could, with its uses; the one whose time ends first is first. */
  async legacy(): Promise<LegacyKey[]> {
    const rows = await this.transactions.query<LegacyRow>(
      `SELECT k.access_key AS "accessKey", coalesce(k.system_id, '') AS "systemId", k.legacy_until AS "legacyUntil", k.revoked_at AS "revokedAt",
              k.expires_at AS "expiresAt", k.last_used_at AS "lastUsedAt",
              coalesce((SELECT sum(n) FROM legacy_uses u WHERE u.access_key = k.access_key AND u.day > (now() AT TIME ZONE 'UTC')::date - 30), 0)::int AS "uses30Days",
              coalesce((SELECT sum(n) FROM legacy_uses u WHERE u.access_key = k.access_key), 0)::int AS "usesInAll"
       FROM keys k WHERE k.legacy_until IS NOT NULL ORDER BY k.legacy_until, k.access_key LIMIT 1000`,
    );
    return rows.map(({ legacyUntil, revokedAt, expiresAt, lastUsedAt, ...row }) => ({
      ...row,
      legacyUntil: iso(legacyUntil),
      revokedAt: isoOrNull(revokedAt),
      expiresAt: isoOrNull(expiresAt),
      lastUsedAt: isoOrNull(lastUsedAt),
    }));
  }

  /** Notes the last use, not earlier than what is on record. */
  async touch(uses: ReadonlyMap<string, Date>): Promise<void> {
    const accessKeys = [...uses.keys()].toSorted();
    await this.transactions.query(
      `UPDATE keys SET last_used_at = use.at
       FROM unnest($1::text[], $2::timestamptz[]) AS use (access_key, at)
       WHERE keys.access_key = use.access_key AND (keys.last_used_at IS NULL OR keys.last_used_at < use.at)`,
      [accessKeys, accessKeys.map((accessKey) => uses.get(accessKey))],
    );
  }

  /** One key per master key that secrets are sealed under, the newest: what the master keys of a process must open. One scan, at a start. */
  async newestSealed(): Promise<SealedKey[]> {
    return this.transactions.query<SealedKey>(
      `SELECT DISTINCT ON (substring(sealed_secret from 1 for $1)) access_key AS "accessKey", system_id AS "systemId", sealed_secret AS "sealedSecret"
       FROM keys WHERE sealed_secret IS NOT NULL ORDER BY substring(sealed_secret from 1 for $1), created_at DESC`,
      [MARK_BYTES],
    );
  }

  /** @returns keys whose secret does not begin with `mark`: sealed under another master key, the next of them after `accessKey` */
  async sealedOtherwise(mark: Buffer, after: string, limit: number): Promise<SealedKey[]> {
    return this.transactions.query<SealedKey>(
      `SELECT access_key AS "accessKey", system_id AS "systemId", sealed_secret AS "sealedSecret" FROM keys
       WHERE sealed_secret IS NOT NULL AND substring(sealed_secret from 1 for $1) <> $2 AND access_key > $3 ORDER BY access_key LIMIT $4`,
      [MARK_BYTES, mark, after, limit],
    );
  }

  /** The same secrets in other boxes. @returns how many were replaced; one that changed meanwhile is left alone */
  async rewrap(keys: readonly (SealedKey & { rewrapped: Buffer })[]): Promise<number> {
    return this.transactions.run(async (unit) => {
      const rows = await unit.query<{ access_key: string }>(
        `UPDATE keys SET sealed_secret = new.box FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS new (access_key, former, box)
       WHERE keys.access_key = new.access_key AND keys.sealed_secret = new.former RETURNING keys.access_key`,
        [
          keys.map(({ accessKey }) => accessKey),
          keys.map(({ sealedSecret }) => sealedSecret),
          keys.map(({ rewrapped }) => rewrapped),
        ],
      );
      unit.records.audit.push(...rows.map((row) => auditRecord({ action: 'key.rewrapped', subject: row.access_key })));
      return rows.length;
    });
  }

  /**
   * The first administrator's key, once however many processes start together. `hand` gives it to the administrator before anything is
   * committed: when that fails, there is no key.
   * @returns false when a key that is neither revoked nor expired is there already
   */
  async addFirstAdministrator(key: NewKeyRecord, hand: () => void): Promise<boolean> {
    return this.transactions.runWithEntities(async (unit) => {
      await unit.query(`SELECT pg_advisory_xact_lock(hashtext('lienthong:first-administrator'))`);
      const [usable] = await unit.query(
        `SELECT 1 FROM keys WHERE system_id IS NULL AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) LIMIT 1`,
      );
      if (usable) return false;
      await unit.manager.getRepository(KeyEntity).insert({ ...key, ...warnedFrom(key), systemId: null });
      unit.records.audit.push(issued(key));
      hand();
      return true;
    });
  }
}

class NotInForce extends Error {}

/** A key that is issued for less than a warning's time gets no warning when it is issued. */
function warnedFrom({ expiresAt }: Pick<NewKeyRecord, 'expiresAt'>): { warnedDays?: number } {
  const days = expiresAt ? (expiresAt.getTime() - Date.now()) / 86_400_000 : Infinity;
  const longer = KEY_WARNING_DAYS.filter((day) => day >= days);
  return longer.length > 0 ? { warnedDays: Math.min(...longer) } : {};
}

function viewOf(key: KeyEntity): KeyView {
  return {
    accessKey: key.accessKey,
    // An administrator's key belongs to no system.
    systemId: key.systemId ?? '',
    algorithms: key.algorithms,
    bearer: key.bearer,
    createdAt: key.createdAt.toISOString(),
    expiresAt: key.expiresAt?.toISOString() ?? null,
    revokedAt: key.revokedAt?.toISOString() ?? null,
    lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
    replacedBy: key.replacedBy,
  };
}

const issued = (
  { accessKey, systemId, algorithms, bearer, expiresAt }: NewKeyRecord,
  more: Record<string, unknown> = {},
) =>
  auditRecord({
    action: 'key.issued',
    subject: accessKey,
    detail: { systemId, algorithms, bearer, expiresAt: expiresAt?.toISOString() ?? null, ...more },
  });
