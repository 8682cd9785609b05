import { auditRecord } from '../audit/audit-record';
import type { Transactions } from '../transactions';

/** The root of the day keys of sessions: opaque here, sealed under the master key, which only auth holds. */
export class DayKeyRootStore {
  constructor(private readonly transactions: Transactions) {}

  /** The sealed root; the first call of a new platform makes it, once however many processes ask together. */
  async current(make: () => Buffer): Promise<Buffer> {
    const known = await this.find();
    if (known) return known;
    await this.transactions.query('INSERT INTO day_key_roots (sealed) VALUES ($1) ON CONFLICT DO NOTHING', [make()]);
    return (await this.find())!;
  }

  /** Replaces the root's box by the same root under another master key. @returns false when another did it meanwhile */
  async rewrap(former: Buffer, sealed: Buffer): Promise<boolean> {
    return this.transactions.run(async (unit) => {
      const rows = await unit.query('UPDATE day_key_roots SET sealed = $2 WHERE sealed = $1 RETURNING only_one', [
        former,
        sealed,
      ]);
      if (rows.length > 0) unit.records.audit.push(auditRecord({ action: 'dayKeys.rewrapped' }));
      return rows.length > 0;
    });
  }

  async find(): Promise<Buffer | undefined> {
    const [row] = await this.transactions.query<{ sealed: Buffer }>('SELECT sealed FROM day_key_roots');
    return row?.sealed;
  }
}
