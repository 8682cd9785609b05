import type { Recipient, Refusal, Route } from '@lienthong/contracts';
import type { Transactions } from '../transactions';

/** Successors followed from one address: a chain of renames is short, a longer one is a loop. */
const HOPS = 5;

interface Agency {
  /** The agency that was asked for first has 0. */
  hops: number;
  code: string;
  dissolved: boolean;
  systems: Candidate[];
}
interface Candidate {
  id: string;
  receives: boolean;
  isDefault: boolean;
  suspended: boolean;
}
/** Where an address leads, before rights are looked at. `granters`: agencies whose grant covers the way. */
type Way =
  | { systemId: string; routedBy: Route; granters: string[] }
  | { systemId: string | null; routedBy: null; reason: Refusal };

/**
 * Finds the system of each recipient (protocol 2) and says of each that may not be reached why, before anything is uploaded. What nobody granted
 * is refused. A grant to an agency holds for the agency that succeeded it: who was declared its successor answers for it.
 */
export class RoutingStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /**
   * Two statements, however many addresses.
   * @param source id of the sending system, as it is stored
   * @param addresses agency codes and system ids, codes in either form
   * @returns one for each address, in their order
   */
  async resolve(source: string, dataType: string, addresses: readonly string[]): Promise<Recipient[]> {
    const chains = await this.chains(dataType, addresses);
    const ways = addresses.map((address) => wayOf(address, chains.get(address.split('/')[0]) ?? []));
    const granted = await this.granted(source, dataType, ways);
    const taken = new Set<string>();
    return addresses.map((address, index) => {
      const way = ways[index];
      if ('reason' in way)
        return { address, systemId: way.systemId, allowed: false, reason: way.reason, routedBy: null };
      const { systemId, routedBy } = way;
      const refused = (reason: Refusal): Recipient => ({ address, systemId, allowed: false, reason, routedBy });
      if (taken.has(systemId)) return refused('duplicate_recipient');
      taken.add(systemId);
      return targetsOf(way).some((target) => granted.has(target))
        ? { address, systemId, allowed: true, routedBy }
        : refused('not_granted');
    });
  }

  /** @returns for each code: its agency and the successors, nearest first */
  private async chains(dataType: string, addresses: readonly string[]): Promise<Map<string, Agency[]>> {
    const forms = [...new Set(addresses.map((address) => address.split('/')[0]))];
    const rows = await this.transactions.query<Agency & { form: string }>(
      `WITH RECURSIVE chain AS (
         SELECT c.form, 0 AS hops, a.code, a.successor_code, a.dissolved_at
         FROM agency_codes c JOIN agencies a ON a.code = c.agency_code WHERE c.form = ANY($1)
         UNION ALL
         SELECT chain.form, hops + 1, a.code, a.successor_code, a.dissolved_at
         FROM chain JOIN agencies a ON a.code = chain.successor_code WHERE hops < $3)
       SELECT form, hops, code, dissolved_at IS NOT NULL AS dissolved,
              coalesce((SELECT jsonb_agg(jsonb_build_object('id', id, 'receives', receives @> ARRAY[$2::text], 'isDefault', is_default,
                                                            'suspended', suspended_at IS NOT NULL) ORDER BY is_default DESC, id)
                        FROM systems WHERE agency_code = chain.code), '[]') AS systems
       FROM chain ORDER BY form, hops`,
      [forms, dataType, HOPS],
    );
    const chains = new Map<string, Agency[]>();
    for (const { form, ...agency } of rows) chains.set(form, [...(chains.get(form) ?? []), agency]);
    return chains;
  }

  /** @returns those systems, codes and `*` that the source was granted for the data type */
  private async granted(source: string, dataType: string, ways: Way[]): Promise<Set<string>> {
    const targets = [...new Set(ways.flatMap((way) => ('reason' in way ? [] : targetsOf(way))))];
    if (targets.length === 0) return new Set();
    const rows = await this.transactions.query<{ target: string }>(
      `SELECT DISTINCT target FROM grants WHERE source = ANY($1) AND target = ANY($2) AND data_types && ARRAY[$3::text, '*']`,
      [[source, source.split('/')[0], '*'], targets, dataType],
    );
    return new Set(rows.map((row) => row.target));
  }
}

const targetsOf = (way: { systemId: string; granters: string[] }): string[] => [way.systemId, ...way.granters, '*'];

function wayOf(address: string, chain: Agency[]): Way {
  const [agency] = chain;
  if (!agency) return refusal('unknown_recipient');
  const [, slug] = address.split('/');
  return slug === undefined ? byCode(chain) : bySystem(agency, slug);
}

function bySystem(agency: Agency, slug: string): Way {
  const system = agency.systems.find(({ id }) => id === `${agency.code}/${slug}`);
  if (!system) return refusal('unknown_recipient');
  if (agency.dissolved) return refusal('agency_dissolved', system.id);
  if (system.suspended) return refusal('system_suspended', system.id);
  if (!system.receives && !system.isDefault) return refusal('data_type_not_received', system.id);
  return { systemId: system.id, routedBy: 'system', granters: [agency.code] };
}

/** The first agency of the chain that has a system for it; a suspended one is passed over, and named only when there is no other. */
function byCode(chain: Agency[]): Way {
  const standing = chain.filter((agency) => !agency.dissolved);
  for (const agency of standing) {
    const usable = agency.systems.filter((system) => !system.suspended);
    const system = usable.find(({ receives }) => receives) ?? usable.find(({ isDefault }) => isDefault);
    if (!system) continue;
    const granters = chain.filter(({ hops }) => hops <= agency.hops).map(({ code }) => code);
    const own = system.receives ? 'dataType' : 'default';
    return { systemId: system.id, routedBy: agency.hops > 0 ? 'successor' : own, granters };
  }
  if (standing.length === 0) return refusal('agency_dissolved');
  const systems = standing.flatMap((agency) => agency.systems);
  if (systems.length === 0) return refusal('no_system');
  const suspended = systems.find((system) => system.suspended && (system.receives || system.isDefault));
  return suspended ? refusal('system_suspended', suspended.id) : refusal('data_type_not_received');
}

const refusal = (reason: Refusal, systemId: string | null = null): Way => ({ systemId, routedBy: null, reason });
