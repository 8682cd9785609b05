import type { Grant, NewGrant } from '@lienthong/contracts';
import { v7 as uuidv7 } from 'uuid';
import { auditRecord } from '../audit/audit-record';
import { GrantEntity } from './grant.entity';
import { codeOf } from './registry-agencies.store';
import { systemIdOf } from './registry-systems.store';
import { iso } from '../times';
import type { Transactions } from '../transactions';

export interface GrantFilter {
  /** A code, a system id or `*`, as in the grant itself; codes in either form. */
  from?: string;
  to?: string;
  /** The id where the former page ended. */
  before?: string;
  limit: number;
}

/** Who may send which data types to whom; what nobody granted is refused (`RoutingStore`). */
export class GrantStore {
  constructor(private readonly transactions: Transactions) {}

  /** @throws LienThongError `unknown_reference` for an agency or system that is not on record */
  async create({ from, to, dataTypes }: NewGrant): Promise<Grant> {
    const [source, target] = [await this.partyOf(from), await this.partyOf(to)];
    return this.transactions.runWithEntities(async (unit) => {
      const grants = unit.manager.getRepository(GrantEntity);
      const grant = grants.create({ id: uuidv7(), source, target, dataTypes: [...new Set(dataTypes)] });
      await grants.insert(grant);
      const detail = { from: source, to: target, dataTypes: grant.dataTypes };
      unit.records.audit.push(auditRecord({ action: 'grant.created', subject: grant.id, detail }));
      return viewOf(grant);
    });
  }

  /** Newest first. */
  async list({ from, to, before, limit }: GrantFilter): Promise<Grant[]> {
    const query = this.transactions.dataSource
      .getRepository(GrantEntity)
      .createQueryBuilder('grants')
      .orderBy('grants.id', 'DESC')
      .limit(limit);
    if (from !== undefined) query.andWhere('grants.source = :source', { source: await this.partyOf(from) });
    if (to !== undefined) query.andWhere('grants.target = :target', { target: await this.partyOf(to) });
    if (before !== undefined) query.andWhere('grants.id < :before', { before });
    return (await query.getMany()).map(viewOf);
  }

  /** @param id a UUID @returns false when there is none */
  async remove(id: string): Promise<boolean> {
    return this.transactions.runWithEntities(async (unit) => {
      const { affected } = await unit.manager.getRepository(GrantEntity).delete({ id });
      if (affected !== 1) return false;
      unit.records.audit.push(auditRecord({ action: 'grant.removed', subject: id }));
      return true;
    });
  }

  private async partyOf(party: string): Promise<string> {
    if (party === '*') return party;
    return party.includes('/') ? systemIdOf(this.transactions, party) : codeOf(this.transactions, party);
  }
}

const viewOf = (grant: GrantEntity): Grant => ({
  grantId: grant.id,
  from: grant.source,
  to: grant.target,
  dataTypes: grant.dataTypes,
  createdAt: iso(grant.createdAt),
});
