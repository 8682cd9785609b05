import { deriveKey, open, seal } from './sealed-box';
import type { Transactions } from '../transactions';

export interface NewPlatformKey {
  kid: string;
  privatePem: string;
  publicJwk: Record<string, string>;
}

/** What was sealed does not open: the process was given another secret. One sentence for the operator. */
export class WrongSecretError extends Error {
  override readonly name = 'WrongSecretError';
}

/** The keys by which the platform signs receipts; private halves are sealed under a key derived from the platform secret. */
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
    const known = await this.newest(this.transactions);
    if (known) return this.opened(known);
    return this.transactions.run(async (unit) => {
      await unit.query(`SELECT pg_advisory_xact_lock(hashtext('lienthong:platform-key'))`);
      const other = await this.newest(unit);
      if (other) return this.opened(other);
      const { kid, privatePem, publicJwk } = make();
      const sealed = seal(this.sealing, Buffer.from(privatePem), kid);
      await unit.query('INSERT INTO platform_keys (kid, public_jwk, sealed_private) VALUES ($1, $2, $3)', [
        kid,
        JSON.stringify(publicJwk),
        sealed,
      ]);
      return { kid, privatePem };
    });
  }

  /** Public keys, newest first; retired ones stay, for what they signed. */
  async jwks(): Promise<{ keys: Record<string, string>[] }> {
    const rows = await this.transactions.query<{ jwk: Record<string, string> }>(
      'SELECT public_jwk AS jwk FROM platform_keys ORDER BY created_at DESC',
    );
    return { keys: rows.map((row) => row.jwk) };
  }

  private async newest(on: Pick<Transactions, 'query'>): Promise<{ kid: string; sealed: Buffer } | undefined> {
    const [row] = await on.query<{ kid: string; sealed: Buffer }>(
      'SELECT kid, sealed_private AS sealed FROM platform_keys WHERE retired_at IS NULL ORDER BY created_at DESC LIMIT 1',
    );
    return row;
  }

  private opened({ kid, sealed }: { kid: string; sealed: Buffer }): { kid: string; privatePem: string } {
    try {
      return { kid, privatePem: open(this.sealing, sealed, kid).toString() };
    } catch {
      throw new WrongSecretError(
        'PLATFORM_SECRET is not the one that the platform keys of this database were sealed under. Set the former secret again.',
      );
    }
  }
}
