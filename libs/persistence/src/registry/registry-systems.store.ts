import { type Contact, LienThongError, type NewSystem, type System, type SystemChange } from '@lienthong/contracts';
import { codeOf, findCode, withoutPersons } from './registry-agencies.store';
import { auditRecord } from '../audit/audit-record';
import { searchText } from './search-text';
import { SystemEntity } from './system.entity';
import { iso, isoOrNull } from '../times';
import type { Transactions, Unit } from '../transactions';

/** The systems of agencies. An id may come with either form of the agency's code; what is stored and given out carries the agency's own. */
export class SystemStore {
  constructor(private readonly transactions: Transactions) {}

  /** @throws LienThongError `unknown_reference` for the agency, `already_exists` */
  async create({ id, name, receives, default: isDefault = false, contact }: NewSystem): Promise<System> {
    return this.transactions.runWithEntities(async (unit) => {
      const systems = unit.manager.getRepository(SystemEntity);
      const [form, slug] = id.split('/');
      const agencyCode = await codeOf(unit, form);
      await lockAgency(unit, agencyCode);
      const system = systems.create({ id: `${agencyCode}/${slug}`, agencyCode, name, receives, isDefault });
      system.suspendedAt = null;
      system.contact = filledIn(contact);
      system.search = searchOf(system);
      if (await systems.existsBy({ id: system.id })) throw new LienThongError('already_exists', { what: system.id });
      if (isDefault) await unsetDefault(unit, agencyCode);
      await systems.insert(system);
      const detail = withoutPersons({ name, receives, default: isDefault, contact });
      unit.records.audit.push(auditRecord({ action: 'system.created', subject: system.id, detail }));
      return viewOf(system);
    });
  }

  async find(id: string): Promise<System | undefined> {
    const system = await this.transactions.dataSource
      .getRepository(SystemEntity)
      .createQueryBuilder('system')
      .where(`system.id = (SELECT agency_code || '/' || :slug::text FROM agency_codes WHERE form = :form)`, partsOf(id))
      .getOne();
    return system ? viewOf(system) : undefined;
  }

  /** By id. @param agency only its systems; either form @param after the id where the former page ended */
  async list({ agency, after = '', limit }: { agency?: string; after?: string; limit: number }): Promise<System[]> {
    const query = this.transactions.dataSource
      .getRepository(SystemEntity)
      .createQueryBuilder('system')
      .where('system.id > :after', { after })
      .orderBy('system.id')
      .limit(limit);
    if (agency !== undefined)
      query.andWhere('system.agencyCode = (SELECT agency_code FROM agency_codes WHERE form = :agency)', { agency });
    return (await query.getMany()).map(viewOf);
  }

  /**
   * @param also what must commit with it; gets the system as it becomes, and whether it has just been suspended
   * @throws LienThongError `not_found`
   */
  async change(
    id: string,
    change: SystemChange,
    also: (unit: Unit, system: System, suspendedNow: boolean) => Promise<void> = async () => undefined,
  ): Promise<System> {
    return this.transactions.runWithEntities(async (unit) => {
      const systems = unit.manager.getRepository(SystemEntity);
      const { form, slug } = partsOf(id);
      const agencyCode = await findCode(unit, form);
      if (agencyCode === undefined) throw new LienThongError('not_found');
      await lockAgency(unit, agencyCode);
      const system = await systems.findOneBy({ id: `${agencyCode}/${slug}` });
      if (!system) throw new LienThongError('not_found');
      if (change.name !== undefined) system.name = change.name;
      if (change.receives !== undefined) system.receives = change.receives;
      if (change.contact !== undefined) system.contact = filledIn(change.contact);
      const suspendedNow = change.suspended === true && system.suspendedAt === null;
      if (change.suspended !== undefined)
        system.suspendedAt = change.suspended ? (system.suspendedAt ?? new Date()) : null;
      if (change.default && !system.isDefault) await unsetDefault(unit, agencyCode);
      if (change.default !== undefined) system.isDefault = change.default;
      system.search = searchOf(system);
      const changed = viewOf(await systems.save(system));
      unit.records.audit.push(
        auditRecord({ action: 'system.changed', subject: system.id, detail: withoutPersons(change) }),
      );
      await also(unit, changed, suspendedNow);
      return changed;
    });
  }
}

/** @returns the id as it is stored. @throws LienThongError `unknown_reference` when there is no such system */
export async function systemIdOf(on: Pick<Unit, 'query'>, id: string): Promise<string> {
  const { form, slug } = partsOf(id);
  const [row] = await on.query<{ id: string }>(
    `SELECT s.id FROM agency_codes c JOIN systems s ON s.id = c.agency_code || '/' || $2::text WHERE c.form = $1`,
    [form, slug],
  );
  if (!row) throw new LienThongError('unknown_reference', { what: id });
  return row.id;
}

function partsOf(id: string): { form: string; slug: string } {
  const [form, slug = ''] = id.split('/');
  return { form, slug };
}

/** Changes of one agency's systems come one after the other, so that there is never a second default. */
async function lockAgency(unit: Unit, code: string): Promise<void> {
  await unit.query('SELECT 1 FROM agencies WHERE code = $1 FOR UPDATE', [code]);
}

async function unsetDefault(unit: Unit, agencyCode: string): Promise<void> {
  await unit.query('UPDATE systems SET is_default = false WHERE agency_code = $1 AND is_default', [agencyCode]);
}

const filledIn = (contact: Contact = {}): Contact | null =>
  Object.values(contact).some((value) => value !== undefined) ? contact : null;

const searchOf = ({ id, name }: SystemEntity): string => searchText(id, name);

const viewOf = (system: SystemEntity): System => ({
  id: system.id,
  agencyCode: system.agencyCode,
  name: system.name,
  receives: system.receives,
  default: system.isDefault,
  contact: system.contact,
  suspendedAt: isoOrNull(system.suspendedAt),
  createdAt: iso(system.createdAt),
});
