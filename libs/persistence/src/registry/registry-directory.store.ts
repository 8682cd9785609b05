import type { DirectoryEntry } from '@lienthong/contracts';
import { searchPatterns } from './search-text';
import type { Transactions } from '../transactions';

export interface DirectoryQuery {
  /** Words, without regard to case and accents; all must occur. */
  q?: string;
  /** Only systems that receive it, and agencies that have one. */
  dataType?: string;
  /** The address where the former page ended. */
  after?: string;
  limit: number;
}

/** A stream is open as long as its notifier says so (every 25 s); reading by poll, and answering a webhook, count for 3 minutes (protocol 7). */
export const onlineSql = (systemId: string): string => `(
  EXISTS (SELECT 1 FROM connections WHERE system_id = ${systemId} AND closed_at IS NULL AND seen_at > now() - interval '90 seconds')
  OR EXISTS (SELECT 1 FROM streams WHERE system_id = ${systemId} AND polled_at > now() - interval '3 minutes')
  OR EXISTS (SELECT 1 FROM webhooks WHERE system_id = ${systemId} AND answered_at > now() - interval '3 minutes'))`;

/** Of how many days the counts are summed. */
const DAYS = 30;

/** `{ polls, webhooks }` of a system in the last days, as JSON: a look-up by the primary key, of a row per day. */
export const contactsSql = (systemId: string): string => `(
  SELECT jsonb_build_object('polls', coalesce(sum(polls), 0), 'webhooks', coalesce(sum(webhooks), 0)) FROM contact_counts
  WHERE system_id = ${systemId} AND day > (now() AT TIME ZONE 'UTC')::date - ${DAYS})`;

const AGENCY = `jsonb_build_object('kind', 'agency', 'address', code, 'name', name, 'agencyCode', code, 'parentCode', parent_code,
  'aliases', aliases, 'successorCode', successor_code, 'dissolved', dissolved_at IS NOT NULL)`;
/** @param row the alias of the systems' rows: the tables of presence have an id of their own */
const systemSql = (row: string): string =>
  `jsonb_build_object('kind', 'system', 'address', ${row}.id, 'name', ${row}.name, 'agencyCode', ${row}.agency_code, 'receives', ${row}.receives,
  'default', ${row}.is_default, 'suspended', ${row}.suspended_at IS NOT NULL, 'online', ${onlineSql(`${row}.id`)})`;
/** Not for a search: a look-up more for each system. */
const countedSql = (row: string): string =>
  `${systemSql(row)} || jsonb_build_object('contacts', ${contactsSql(`${row}.id`)})`;

/** What everyone who takes part may read of the registry. */
export class DirectoryStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** Agencies and systems by address. */
  async search({ q = '', dataType, after = '', limit }: DirectoryQuery): Promise<DirectoryEntry[]> {
    const parameters: unknown[] = [after, limit];
    const name = (value: unknown) => `$${parameters.push(value)}`;
    const words = searchPatterns(q).map((pattern) => `AND search LIKE ${name(pattern)}`);
    const type = dataType === undefined ? undefined : `receives @> ARRAY[${name(dataType)}::text]`;
    const rows = await this.transactions.query<{ entry: DirectoryEntry }>(
      `WITH found AS (
         (SELECT code AS address, ${AGENCY} AS entry FROM agencies
          WHERE code > $1 ${words.join(' ')} ${type ? `AND EXISTS (SELECT 1 FROM systems WHERE agency_code = code AND ${type})` : ''}
          ORDER BY code LIMIT $2)
         UNION ALL
         (SELECT id, ${systemSql('systems')} FROM systems WHERE id > $1 ${words.join(' ')} ${type ? `AND ${type}` : ''} ORDER BY id LIMIT $2))
       SELECT entry FROM found ORDER BY address LIMIT $2`,
      parameters,
    );
    return rows.map((row) => row.entry);
  }

  /** @param form a code of either form @returns the agency with its systems */
  async agency(form: string): Promise<DirectoryEntry | undefined> {
    const [row] = await this.transactions.query<{ entry: DirectoryEntry }>(
      `SELECT ${AGENCY} || jsonb_build_object('systems',
                coalesce((SELECT jsonb_agg(${countedSql('own')} ORDER BY own.id) FROM (SELECT * FROM systems WHERE agency_code = code) own), '[]')) AS entry
       FROM agencies WHERE code = (SELECT agency_code FROM agency_codes WHERE form = $1)`,
      [form],
    );
    return row?.entry;
  }

  /** @param form a code of either form */
  async system(form: string, slug: string): Promise<DirectoryEntry | undefined> {
    const [row] = await this.transactions.query<{ entry: DirectoryEntry }>(
      `SELECT ${countedSql('systems')} AS entry FROM systems WHERE id = (SELECT agency_code || '/' || $2::text FROM agency_codes WHERE form = $1)`,
      [form, slug],
    );
    return row?.entry;
  }
}
