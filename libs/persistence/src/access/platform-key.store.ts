import { LienThongError, type PlatformKeyView } from '@lienthong/contracts';
import { auditRecord } from '../audit/audit-record';
import type { Transactions, Unit } from '../transactions';
import { deriveKey, open, seal } from './sealed-box';

export interface NewPlatformKey {
  kid: string;
  privatePem: string;
  publicJwk: Record<string, string>;
}

/** What was sealed does not open: the process was given another secret. One sentence for the operator. */
export class WrongSecretError extends Error {
  override readonly name = 'WrongSecretError';
}

interface SealedHalf {
  kid: string;
  sealed: Buffer;
}

/**
 * The keys by which the platform signs receipts, checkpoints and tokens; private halves are sealed under a key derived from the platform secret.
 * One signs at a time: the newest whose time has come.
 */
export class PlatformKeyStore {
  private readonly sealing: Buffer;

  constructor(
    private readonly transactions: Transactions,
    platformSecret: string,
  ) {
    this.sealing = deriveKey(platformSecret, 'platform-keys');
  }

  /**
   * The key that signs now; the first call of a new platform makes it, once however many processes ask together.
   * @throws WrongSecretError when the platform secret is not the one that it was sealed under
   */
  async current(make: () => NewPlatformKey): Promise<{ kid: string; privatePem: string }> {
    const known = await this.signing(this.transactions);
    if (known) return this.opened(known);
    return this.transactions.run(async (unit) => {
      await this.lock(unit);
      const other = await this.signing(unit);
      if (other) return this.opened(other);
      const made = make();
      await this.insert(unit, made, 0);
      return { kid: made.kid, privatePem: made.privatePem };
    });
  }

  /**
   * Another key in place of the one that signs now. Until it signs it is only published, so that whoever keeps the key set for a while knows it
   * in time; the former goes on until then.
   * @param seconds from now until it signs
   * @param immediately in place of one that waits to sign, too
   * @throws LienThongError already_exists while another waits to sign
   */
  async rotate(
    make: () => NewPlatformKey,
    { seconds, immediately = false }: { seconds: number; immediately?: boolean },
  ): Promise<PlatformKeyView> {
    const { kid } = await this.transactions.run(async (unit) => {
      await this.lock(unit);
      const [waiting] = await unit.query<{ kid: string }>(
        'SELECT kid FROM platform_keys WHERE signs_from > now() AND retired_at IS NULL',
      );
      if (waiting && !immediately)
        throw new LienThongError('already_exists', { what: `platform key ${waiting.kid}, which does not sign yet` });
      const made = make();
      await unit.query(
        'UPDATE platform_keys SET retired_at = now() + make_interval(secs => $1) WHERE retired_at IS NULL',
        [seconds],
      );
      await this.insert(unit, made, seconds);
      unit.records.audit.push(
        auditRecord({ action: 'platformKey.rotated', subject: made.kid, detail: { signsInSeconds: seconds } }),
      );
      return made;
    });
    return (await this.list()).find((key) => key.kid === kid)!;
  }

  /** Destroys the private halves of keys that were retired so long ago that no process can still be signing with them. @returns their ids */
  async destroyRetired(seconds: number): Promise<string[]> {
    const due = `retired_at < now() - make_interval(secs => $1) AND sealed_private IS NOT NULL`;
    const found = await this.transactions.query<{ kid: string }>(`SELECT kid FROM platform_keys WHERE ${due}`, [
      seconds,
    ]);
    if (found.length === 0) return [];
    return this.transactions.run(async (unit) => {
      const gone = await unit.query<{ kid: string }>(
        `UPDATE platform_keys SET sealed_private = NULL WHERE ${due} RETURNING kid`,
        [seconds],
      );
      unit.records.audit.push(...gone.map(({ kid }) => auditRecord({ action: 'platformKey.destroyed', subject: kid })));
      return gone.map(({ kid }) => kid);
    });
  }

  /** Newest first, at most a few: every one there ever was, for what it signed. */
  async list(): Promise<PlatformKeyView[]> {
    const rows = await this.transactions.query<{
      kid: string;
      alg: string;
      createdAt: Date;
      signsFrom: Date;
      retiredAt: Date | null;
      state: PlatformKeyView['state'];
    }>(
      `SELECT kid, public_jwk ->> 'alg' AS alg, created_at AS "createdAt", signs_from AS "signsFrom", retired_at AS "retiredAt",
              CASE WHEN sealed_private IS NULL THEN 'destroyed' WHEN retired_at <= now() THEN 'retired' WHEN signs_from > now() THEN 'published' ELSE 'signing' END AS state
       FROM platform_keys ORDER BY signs_from DESC, created_at DESC`,
    );
    return rows.map(({ createdAt, signsFrom, retiredAt, ...key }) => ({
      ...key,
      createdAt: createdAt.toISOString(),
      signsFrom: signsFrom.toISOString(),
      retiredAt: retiredAt?.toISOString() ?? null,
    }));
  }

  /** Public keys, newest first; retired ones stay, for what they signed. */
  async jwks(): Promise<{ keys: Record<string, string>[] }> {
    const rows = await this.transactions.query<{ jwk: Record<string, string> }>(
      'SELECT public_jwk AS jwk FROM platform_keys ORDER BY signs_from DESC, created_at DESC',
    );
    return { keys: rows.map((row) => row.jwk) };
  }

  private lock(unit: Unit): Promise<unknown> {
    return unit.query(`SELECT pg_advisory_xact_lock(hashtext('lienthong:platform-key'))`);
  }

  private async insert(unit: Unit, { kid, privatePem, publicJwk }: NewPlatformKey, seconds: number): Promise<void> {
    await unit.query(
      `INSERT INTO platform_keys (kid, public_jwk, sealed_private, signs_from) VALUES ($1, $2, $3, now() + make_interval(secs => $4))`,
      [kid, JSON.stringify(publicJwk), seal(this.sealing, Buffer.from(privatePem), kid), seconds],
    );
  }

  /** By the clock and not by the begin of the transaction, which may lie before that of one that has made a key meanwhile. */
  private async signing(on: Pick<Transactions, 'query'>): Promise<SealedHalf | undefined> {
    const [row] = await on.query<SealedHalf>(
      `SELECT kid, sealed_private AS sealed FROM platform_keys
       WHERE sealed_private IS NOT NULL AND signs_from <= clock_timestamp() AND (retired_at IS NULL OR retired_at > clock_timestamp())
       ORDER BY signs_from DESC, created_at DESC LIMIT 1`,
    );
    return row;
  }

  private opened({ kid, sealed }: SealedHalf): { kid: string; privatePem: string } {
    try {
      return { kid, privatePem: open(this.sealing, sealed, kid).toString() };
    } catch {
      throw new WrongSecretError(
        'PLATFORM_SECRET is not the one that the platform keys of this database were sealed under. Set the former secret again.',
      );
    }
  }
}
