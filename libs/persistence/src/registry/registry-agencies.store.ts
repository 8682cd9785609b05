import { type Agency, type AgencyChange, type Contact, LienThongError, type NewAgency } from '@lienthong/contracts';
import { AgencyCodeEntity, AgencyEntity } from './agency.entity';
import { auditRecord } from '../audit/audit-record';
import { searchText } from './search-text';
import { iso, isoOrNull } from '../times';
import type { EntityUnit, Transactions, Unit } from '../transactions';

/** Agencies and the forms of their codes. Every code that comes in may be of either form; what is stored and given out is the agency's own. */
export class AgencyStore {
  constructor(private readonly transactions: Transactions) {}

  /** @throws LienThongError `already_exists` for a code or alias that is another agency's too, `unknown_reference` for the parent */
  async create({ code, name, parentCode, aliases = [], contact }: NewAgency): Promise<Agency> {
    return this.transactions.runWithEntities(async (unit) => {
      const agencies = unit.manager.getRepository(AgencyEntity);
      await refuseTaken(unit, [code, ...aliases]);
      const agency = agencies.create({
        code,
        name,
        parentCode: parentCode === undefined ? null : await codeOf(unit, parentCode),
        aliases: formsOf(aliases, code),
        contact: contact ?? null,
        successorCode: null,
        dissolvedAt: null,
      });
      agency.search = searchOf(agency);
      await agencies.insert(agency);
      await unit.manager
        .getRepository(AgencyCodeEntity)
        .insert([code, ...agency.aliases].map((form) => ({ form, agencyCode: code })));
      const detail = { name, parentCode: agency.parentCode, aliases: agency.aliases };
      unit.records.audit.push(auditRecord({ action: 'agency.created', subject: code, detail }));
      return viewOf(agency);
    });
  }

  async find(form: string): Promise<Agency | undefined> {
    const agency = await this.transactions.dataSource
      .getRepository(AgencyEntity)
      .createQueryBuilder('agency')
      .innerJoin(AgencyCodeEntity, 'code', 'code.agencyCode = agency.code')
      .where('code.form = :form', { form })
      .getOne();
    return agency ? viewOf(agency) : undefined;
  }

  /** By code. @param after the code where the former page ended */
  async list({ after = '', limit }: { after?: string; limit: number }): Promise<Agency[]> {
    const agencies = await this.transactions.dataSource
      .getRepository(AgencyEntity)
      .createQueryBuilder('agency')
      .where('agency.code > :after', { after })
      .orderBy('agency.code')
      .limit(limit)
      .getMany();
    return agencies.map(viewOf);
  }

  /**
   * Renaming, merging, dissolving: its code stays, for it is in what was exchanged.
   * @throws LienThongError `not_found`, `already_exists`, `unknown_reference`, `validation_failed` for a parent below the agency itself
   */
  async change(form: string, change: AgencyChange): Promise<Agency> {
    return this.transactions.runWithEntities(async (unit) => {
      const agencies = unit.manager.getRepository(AgencyEntity);
      const code = await findCode(unit, form);
      if (code === undefined) throw new LienThongError('not_found');
      const agency = await agencies.findOneOrFail({ where: { code }, lock: { mode: 'pessimistic_write' } });
      const { name, parentCode, aliases, contact, successorCode, dissolved } = change;
      if (name !== undefined) agency.name = name;
      if (contact !== undefined) agency.contact = contact;
      if (parentCode !== undefined) agency.parentCode = parentCode && (await this.parentOf(unit, code, parentCode));
      if (successorCode !== undefined) agency.successorCode = successorCode && (await codeOf(unit, successorCode));
      if (dissolved !== undefined) agency.dissolvedAt = dissolved ? (agency.dissolvedAt ?? new Date()) : null;
      if (aliases !== undefined) await this.setAliases(unit, agency, aliases);
      agency.search = searchOf(agency);
      const changed = viewOf(await agencies.save(agency));
      unit.records.audit.push(auditRecord({ action: 'agency.changed', subject: code, detail: withoutPersons(change) }));
      return changed;
    });
  }

  private async setAliases(unit: EntityUnit, agency: AgencyEntity, aliases: string[]): Promise<void> {
    await refuseTaken(unit, aliases, agency.code);
    agency.aliases = formsOf(aliases, agency.code);
    await unit.query('DELETE FROM agency_codes WHERE agency_code = $1 AND form <> $1', [agency.code]);
    const forms = agency.aliases.map((form) => ({ form, agencyCode: agency.code }));
    if (forms.length > 0) await unit.manager.getRepository(AgencyCodeEntity).insert(forms);
  }

  private async parentOf(unit: Unit, code: string, parentCode: string): Promise<string> {
    const parent = await codeOf(unit, parentCode);
    const [loop] = await unit.query(
      `WITH RECURSIVE above AS (
         SELECT code, parent_code FROM agencies WHERE code = $1
         UNION SELECT a.code, a.parent_code FROM agencies a JOIN above ON a.code = above.parent_code)
       SELECT 1 FROM above WHERE code = $2`,
      [parent, code],
    );
    if (loop)
      throw new LienThongError(
        'validation_failed',
        { count: 1 },
        {
          errors: [
            {
              pointer: '/parentCode',
              code: 'below_itself',
              message: {
                vi: 'Cơ quan cấp trên không được là chính cơ quan này hoặc cơ quan cấp dưới của nó.',
                en: 'The parent must be neither the agency itself nor one below it.',
              },
            },
          ],
        },
      );
    return parent;
  }
}

/** @param form a code of either form @returns the agency's own code */
export async function findCode(on: Pick<Unit, 'query'>, form: string): Promise<string | undefined> {
  const [row] = await on.query<{ code: string }>('SELECT agency_code AS code FROM agency_codes WHERE form = $1', [
    form,
  ]);
  return row?.code;
}

/** As `findCode`. @throws LienThongError `unknown_reference` */
export async function codeOf(on: Pick<Unit, 'query'>, form: string): Promise<string> {
  const code = await findCode(on, form);
  if (code === undefined) throw new LienThongError('unknown_reference', { what: form });
  return code;
}

/** Writers of codes come one after the other, so that the form that is taken can be named. @param own the agency that may have them already */
async function refuseTaken(unit: Unit, forms: string[], own: string | null = null): Promise<void> {
  await unit.query(`SELECT pg_advisory_xact_lock(hashtext('lienthong:agency-codes'))`);
  const [taken] = await unit.query<{ form: string }>(
    'SELECT form FROM agency_codes WHERE form = ANY($1) AND agency_code IS DISTINCT FROM $2 LIMIT 1',
    [forms, own],
  );
  if (taken) throw new LienThongError('already_exists', { what: taken.form });
}

const formsOf = (aliases: string[], code: string): string[] => [...new Set(aliases)].filter((alias) => alias !== code);

const searchOf = ({ code, aliases, name }: AgencyEntity): string => searchText(code, ...aliases, name);

/** The audit log outlives an erasure: of a contact it says that it was changed, not to whom. */
export const withoutPersons = <T extends { contact?: Contact }>({
  contact,
  ...change
}: T): Record<string, unknown> => ({
  ...change,
  ...(contact === undefined ? {} : { contact: 'changed' }),
});

const viewOf = (agency: AgencyEntity): Agency => ({
  code: agency.code,
  name: agency.name,
  parentCode: agency.parentCode,
  aliases: agency.aliases,
  contact: agency.contact,
  successorCode: agency.successorCode,
  dissolvedAt: isoOrNull(agency.dissolvedAt),
  createdAt: iso(agency.createdAt),
});
