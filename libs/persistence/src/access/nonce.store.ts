import type { Transactions, Unit } from '../transactions';
import { LookUps } from './look-ups';

/** Rows of one statement: what waits beyond goes with the next. */
const BATCH = 1000;

interface Use {
  keyId: string;
  nonce: string;
  expiresAt: Date;
  resolve: (isNew: boolean) => void;
  reject: (error: unknown) => void;
}

/**
 * A nonce is good once per key, across all instances (protocol 3): the primary key of the table decides. Every signed request writes one, hence
 * the batches: while a statement is under way, further uses collect and go together in the next, one commit for all of them.
 */
export class NonceStore {
  private waiting: Use[] = [];
  private sending = false;
  private readonly used = new LookUps((names) => this.usedOf(names));

  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /**
   * @param expiresAt when a request with this nonce is refused for its age anyway
   * @returns true on the first use; of two equal uses at once, exactly one is the first
   */
  use(keyId: string, nonce: string, expiresAt: Date): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ keyId, nonce, expiresAt, resolve, reject });
      if (!this.sending) void this.send();
    });
  }

  /** Whether `use` would say that it is not the first; uses nothing. Also in batches. */
  async isUsed(keyId: string, nonce: string): Promise<boolean> {
    return (await this.used.find(nameOf({ keyId, nonce }))) !== undefined;
  }

  private async usedOf(names: string[]): Promise<Map<string, true>> {
    const uses = names.map((name) => name.split(' ', 2));
    const rows = await this.transactions.query<Pick<Use, 'keyId' | 'nonce'>>(
      `SELECT key_id AS "keyId", nonce FROM nonces WHERE (key_id, nonce) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
      [uses.map(([keyId]) => keyId), uses.map(([, nonce]) => nonce)],
    );
    return new Map(rows.map((row) => [nameOf(row), true]));
  }

  /** As `use`, as a part of other work: recorded with it, or not at all. */
  async useIn(unit: Unit, keyId: string, nonce: string, expiresAt: Date): Promise<boolean> {
    const rows = await unit.query(
      'INSERT INTO nonces (key_id, nonce, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1',
      [keyId, nonce, expiresAt],
    );
    return rows.length > 0;
  }

  private async send(): Promise<void> {
    this.sending = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, BATCH);
      try {
        await this.record(batch);
      } catch (error) {
        for (const use of batch) use.reject(error);
      }
    }
    this.sending = false;
  }

  private async record(batch: Use[]): Promise<void> {
    const first = new Map<string, Use>();
    for (const use of batch) {
      const name = nameOf(use);
      if (!first.has(name)) first.set(name, use);
    }
    // In one order everywhere: two instances that record the same nonces cannot deadlock.
    const uses = [...first.keys()].toSorted().map((name) => first.get(name)!);
    const rows = await this.transactions.query<{ keyId: string; nonce: string }>(
      `INSERT INTO nonces (key_id, nonce, expires_at) SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
       ON CONFLICT DO NOTHING RETURNING key_id AS "keyId", nonce`,
      [uses.map((use) => use.keyId), uses.map((use) => use.nonce), uses.map((use) => use.expiresAt)],
    );
    const fresh = new Set(rows.map(nameOf));
    for (const use of batch) use.resolve(fresh.has(nameOf(use)) && first.get(nameOf(use)) === use);
  }
}

/** Neither part may hold a space (protocol 3). */
const nameOf = (use: Pick<Use, 'keyId' | 'nonce'>): string => `${use.keyId} ${use.nonce}`;
