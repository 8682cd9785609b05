import type { AccessRefusal } from '@lienthong/contracts';
import type { Transactions } from '../transactions';

export type AccessRight = { destination: string } | { refused: AccessRefusal };

/** Whether one system may call another's own service: by a grant of any data type. Deny by default. */
export class AccessRightStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /**
   * What is wrong with the destination is told only to who has a grant for it; a system that is not on record is `not_granted`.
   * @param source id of the calling system
   * @param destination system id, its code in either form
   */
  async find(source: string, destination: string): Promise<AccessRight> {
    const [form, slug] = destination.split('/');
    const [row] = await this.transactions.query<{ id: string; dissolved: boolean; suspended: boolean }>(
      `SELECT s.id, a.dissolved_at IS NOT NULL AS dissolved, s.suspended_at IS NOT NULL AS suspended
       FROM agency_codes c JOIN agencies a ON a.code = c.agency_code JOIN systems s ON s.id = a.code || '/' || $2
       WHERE c.form = $1 AND EXISTS (SELECT 1 FROM grants WHERE source = ANY($3) AND target IN (s.id, a.code, '*'))`,
      [form, slug, [source, source.split('/')[0], '*']],
    );
    if (!row) return { refused: 'not_granted' };
    if (row.dissolved) return { refused: 'agency_dissolved' };
    return row.suspended ? { refused: 'system_suspended' } : { destination: row.id };
  }
}
