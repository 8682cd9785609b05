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
