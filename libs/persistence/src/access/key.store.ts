import type { KeyView, SignatureAlgorithm } from '@lienthong/contracts';
import { KeyEntity } from '../registry/key.entity';
import type { Transactions } from '../transactions';

/** A key as authentication needs it. */
export interface KeyRecord {
  accessKey: string;
  /** Null: an administrator's. */
  systemId: string | null;
  algorithms: SignatureAlgorithm[];
  sealedSecret: Buffer | null;
  publicKeyPem: string | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
  /** When the key's system was suspended. */
  suspendedAt: Date | null;
}

export type NewKeyRecord = Pick<
  KeyEntity,
  'accessKey' | 'systemId' | 'algorithms' | 'sealedSecret' | 'publicKeyPem' | 'bearer' | 'expiresAt'
>;

/** The context that a key's secret is sealed with: a secret that is moved to another key or system does not open. */
export const secretContext = (accessKey: string, systemId: string | null): string => `${accessKey} ${systemId ?? ''}`;

export class KeyStore {
  constructor(private readonly transactions: Transactions) {}

  async find(accessKey: string): Promise<KeyRecord | undefined> {
    const [row] = await this.transactions.query<KeyRecord>(
      `SELECT k.access_key AS "accessKey", k.system_id AS "systemId", k.algorithms, k.sealed_secret AS "sealedSecret",
              k.public_key_pem AS "publicKeyPem", k.expires_at AS "expiresAt", k.revoked_at AS "revokedAt", s.suspended_at AS "suspendedAt"
       FROM keys k LEFT JOIN systems s ON s.id = k.system_id WHERE k.access_key = $1`,
      [accessKey],
    );
    return row;
  }

  async add(key: NewKeyRecord): Promise<void> {
    await this.transactions.dataSource.getRepository(KeyEntity).insert(key);
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
    const rows = await this.transactions.query(
      `UPDATE keys SET revoked_at = coalesce(revoked_at, now())
       WHERE access_key = $1 AND system_id IS NOT DISTINCT FROM $2 RETURNING access_key`,
      [accessKey, systemId],
    );
    return rows.length > 0;
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

  /** The key whose secret was sealed last: what a master key must open. */
  async newestSealed(): Promise<{ accessKey: string; systemId: string | null; sealedSecret: Buffer } | undefined> {
    const [row] = await this.transactions.query<{ accessKey: string; systemId: string | null; sealedSecret: Buffer }>(
      `SELECT access_key AS "accessKey", system_id AS "systemId", sealed_secret AS "sealedSecret"
       FROM keys WHERE sealed_secret IS NOT NULL ORDER BY created_at DESC LIMIT 1`,
    );
    return row;
  }

  /**
   * The first administrator's key, once however many processes start together. `hand` gives it to the administrator before anything is
   * committed: when that fails, there is no key.
   * @returns false when a key that is neither revoked nor expired is there already
   */
  async addFirstAdministrator(key: NewKeyRecord, hand: () => void): Promise<boolean> {
    return this.transactions.run(async (unit) => {
      await unit.query(`SELECT pg_advisory_xact_lock(hashtext('lienthong:first-administrator'))`);
      const [usable] = await unit.query(
        `SELECT 1 FROM keys WHERE system_id IS NULL AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) LIMIT 1`,
      );
      if (usable) return false;
      await unit.manager.getRepository(KeyEntity).insert({ ...key, systemId: null });
      hand();
      return true;
    });
  }
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
  };
}
