import type { Recipient, Refusal, Route } from '@lienthong/contracts';
import type { Transactions } from '../transactions';

/** Successors followed from one address: a chain of renames is short, a longer one is a loop. */
const HOPS = 5;

interface Agency {
  /** The agency that was asked for first has 0. */
  hops: number;
  code: string;
  dissolved: boolean;
  /** Of the agency, when it was asked for by its code: the first that is usable for the data type, else one that says why there is none. */
  preferred: Candidate | null;
  /** Those of its systems that were asked for by their ids. */
  named: Candidate[] | null;
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

  /**
   * Of each agency no more systems are looked at than its addresses need: one may have thousands.
   * @returns for each code: its agency and the successors, nearest first
   */
  private async chains(dataType: string, addresses: readonly string[]): Promise<Map<string, Agency[]>> {
    const asked = [...new Set(addresses)].map((address) => address.split('/'));
    const named = asked.filter(([, slug]) => slug !== undefined);
    const rows = await this.transactions.query<Agency & { form: string }>(
      `WITH RECURSIVE chain AS (
         SELECT c.form, 0 AS hops, a.code, a.successor_code, a.dissolved_at
         FROM agency_codes c JOIN agencies a ON a.code = c.agency_code WHERE c.form = ANY($1)
         UNION ALL
         SELECT chain.form, hops + 1, a.code, a.successor_code, a.dissolved_at
         FROM chain JOIN agencies a ON a.code = chain.successor_code WHERE hops < $3),
       named AS (
         SELECT asked.form, jsonb_agg(${CANDIDATE}) AS systems FROM unnest($5::text[], $6::text[]) AS asked (form, slug)
         JOIN agency_codes c ON c.form = asked.form JOIN systems y ON y.id = c.agency_code || '/' || asked.slug GROUP BY asked.form)
       SELECT form, hops, code, dissolved_at IS NOT NULL AS dissolved, CASE WHEN hops = 0 THEN named.systems END AS named,
              CASE WHEN form = ANY($4) THEN coalesce(
                ${firstOf('y.suspended_at IS NULL AND y.receives @> ARRAY[$2::text]')},
                ${firstOf('y.suspended_at IS NULL AND y.is_default')},
                ${firstOf('y.suspended_at IS NOT NULL AND (y.is_default OR y.receives @> ARRAY[$2::text])')},
                ${firstOf('true')}) END AS preferred
       FROM chain LEFT JOIN named USING (form) ORDER BY form, hops`,
      [
        [...new Set(asked.map(([form]) => form))],
        dataType,
        HOPS,
        asked.filter(([, slug]) => slug === undefined).map(([form]) => form),
        named.map(([form]) => form),
        named.map(([, slug]) => slug),
      ],
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

const CANDIDATE = `jsonb_build_object('id', y.id, 'receives', y.receives @> ARRAY[$2::text], 'isDefault', y.is_default, 'suspended', y.suspended_at IS NOT NULL)`;
const firstOf = (condition: string): string =>
  `(SELECT ${CANDIDATE} FROM systems y WHERE y.agency_code = chain.code AND ${condition} ORDER BY y.is_default DESC, y.id LIMIT 1)`;

const targetsOf = (way: { systemId: string; granters: string[] }): string[] => [way.systemId, ...way.granters, '*'];

function wayOf(address: string, chain: Agency[]): Way {
  const [agency] = chain;
  if (!agency) return refusal('unknown_recipient');
  const [, slug] = address.split('/');
  return slug === undefined ? byCode(chain) : bySystem(agency, slug);
}

function bySystem(agency: Agency, slug: string): Way {
  const system = agency.named?.find(({ id }) => id === `${agency.code}/${slug}`);
  if (!system) return refusal('unknown_recipient');
  if (agency.dissolved) return refusal('agency_dissolved', system.id);
  if (system.suspended) return refusal('system_suspended', system.id);
  if (!fits(system)) return refusal('data_type_not_received', system.id);
  return { systemId: system.id, routedBy: 'system', granters: [agency.code] };
}

/** The first agency of the chain that has a system for it; a suspended one is passed over, and named only when there is no other. */
function byCode(chain: Agency[]): Way {
  const standing = chain.filter((agency) => !agency.dissolved);
  for (const { hops, preferred } of standing) {
    if (!preferred || preferred.suspended || !fits(preferred)) continue;
    const granters = chain.filter((agency) => agency.hops <= hops).map(({ code }) => code);
    const own = preferred.receives ? 'dataType' : 'default';
    return { systemId: preferred.id, routedBy: hops > 0 ? 'successor' : own, granters };
  }
  if (standing.length === 0) return refusal('agency_dissolved');
  const unusable = standing.flatMap(({ preferred }) => preferred ?? []);
  if (unusable.length === 0) return refusal('no_system');
  const suspended = unusable.find((system) => system.suspended && fits(system));
  return suspended ? refusal('system_suspended', suspended.id) : refusal('data_type_not_received');
}

const fits = ({ receives, isDefault }: Candidate): boolean => receives || isDefault;

const refusal = (reason: Refusal, systemId: string | null = null): Way => ({ systemId, routedBy: null, reason });
