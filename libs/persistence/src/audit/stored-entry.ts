/** The columns of an entry `e` as they are hashed: names and order of `AuditEntry` of the signing library, `at` with microseconds. */
export const ENTRY = `e.id, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, e.actor, e.system_id AS "systemId",
  e.action, e.packet_id AS "packetId", e.delivery_id AS "deliveryId", e.subject, e.detail`;

/** Where an entry stands in the order of sealing. */
export interface Position {
  era: number;
  xid: string;
  id: string;
}

export const BEGINNING: Position = { era: -1, xid: '0', id: '00000000-0000-0000-0000-000000000000' };

/** An entry `e` lies after the position in three parameters from `$n` on. */
export const after = (n: number): string =>
  `(e.era, e.xid, e.id) > ($${n}::smallint, $${n + 1}::xid8, $${n + 2}::uuid)`;

export const values = ({ era, xid, id }: Position): unknown[] => [era, xid, id];

/**
 * Columns of the first statement of a transaction that reads entries by {@link after}: from there on their primary key gives the order, and the work grows
 * with what is asked for, not with what is left. By itself PostgreSQL estimates a comparison of rows by the first column alone (`rowcomparesel`
 * in selfuncs.c), which is the era and the same everywhere: it expects a single row behind any position, reads all there are and sorts them, for every batch.
 */
export const BY_KEY = `set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)`;
