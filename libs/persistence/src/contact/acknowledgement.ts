import { currentActor } from '../audit/actor';

/** What the entry in the audit log says of how it was acknowledged. */
export interface AcknowledgedBy {
  channel?: 'webhook';
}

/** Returns a row for each delivery that became `notified`. */
interface Statement {
  text: string;
  values: unknown[];
}

const TOLD = `INSERT INTO audit_entries (actor, system_id, action, packet_id, delivery_id, detail)
  SELECT $3, $1, 'delivery.notified', packet_id, id, $4::jsonb FROM told RETURNING delivery_id`;

const valuesOf = (systemId: string, offset: number, by: AcknowledgedBy): unknown[] => [
  systemId,
  offset,
  currentActor().actor,
  by.channel ? JSON.stringify(by) : null,
];

/**
 * The system has everything up to `offset`: deliveries that these events announced become `notified` (proof, protocol 6).
 * Acknowledging less than before, or more than there is, changes nothing beyond what there is: by the statement's snapshot, which sees the events too, not
 * by the row as it is once it is locked, when more may have been numbered. An array, not a join: whatever the statistics say,
 * the deliveries are then looked up by their ids and the cost does not grow with how many wait (invariant 8).
 */
export const acknowledgement = (systemId: string, offset: number, by: AcknowledgedBy = {}): Statement => ({
  text: `WITH old AS (SELECT system_id, acked_offset AS before, LEAST($2, (SELECT last_offset FROM streams WHERE system_id = $1)) AS now
                    FROM streams WHERE system_id = $1 FOR UPDATE),
            moved AS (UPDATE streams SET acked_offset = old.now FROM old
                      WHERE streams.system_id = old.system_id AND old.before < old.now RETURNING old.before, old.now),
            told AS (
              UPDATE deliveries SET state = 'notified'
              WHERE state = 'pending' AND id = ANY(ARRAY(
                SELECT delivery_id FROM moved JOIN events ON system_id = $1 AND "offset" > moved.before AND "offset" <= moved.now
                  AND type = 'packet.available'))
              RETURNING id, packet_id)
       ${TOLD}`,
  values: valuesOf(systemId, offset, by),
});

/** The system has this one event: if it announced a delivery, that is `notified`. Its place in the stream stays. */
export const announcementAcknowledged = (systemId: string, offset: number, by: AcknowledgedBy = {}): Statement => ({
  text: `WITH told AS (
           UPDATE deliveries SET state = 'notified'
           WHERE state = 'pending' AND id = ANY(ARRAY(
             SELECT delivery_id FROM events WHERE system_id = $1 AND "offset" = $2::bigint AND type = 'packet.available'))
           RETURNING id, packet_id)
         ${TOLD}`,
  values: valuesOf(systemId, offset, by),
});
