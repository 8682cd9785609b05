import type { ServiceCalendar } from '@lienthong/contracts';
import type { Transactions, Unit } from '../transactions';
import { CONTACT_OF, CONTACT_SQL } from './contact-sql';

/** A delivery that its destination has not fetched, held until the unit ends. */
export interface DueReminder {
  deliveryId: string;
  packetId: string;
  systemId: string;
  /** So far, of this attempt. */
  reminders: number;
  calendar: ServiceCalendar;
  /** Null where nobody can be written to. */
  contact: string | null;
  /** By the clock of the database: another one may think that nothing is due yet. */
  now: Date;
}

/** A step that was taken with a delivery, or the moment for which it was put off. */
export interface ReminderStep {
  deliveryId: string;
  packetId: string;
  /** 0: put off. */
  steps: 0 | 1;
  /** The next look; null: none is left. */
  nextAt: Date | null;
  /** The e-mail that tells of it. */
  emailId?: string;
}

/** The e-mail that a contact may get now, or until when there is none. */
export type Place = { emailId: string } | { emailId: null; until: Date };

/** An e-mail waits so long for what else is due for the same contact. */
const GATHER_SECONDS = 2;

/** The ladder of reminders: every look reads a partial index of what waits and is due. */
export class ReminderStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** Takes what is due and nobody else has taken. Holds deliveries alone, and waits for none: who holds a packet never waits for one of these in turn. */
  async due(unit: Unit, limit: number): Promise<DueReminder[]> {
    return unit.query(
      `SELECT d.id AS "deliveryId", d.packet_id AS "packetId", d.system_id AS "systemId", d.reminders,
              coalesce(s.calendar, '{}') AS calendar, ${CONTACT_SQL} AS contact, now() AS now
       FROM (SELECT id, packet_id, system_id, reminders FROM deliveries
             WHERE next_reminder_at <= now() AND state IN ('pending', 'notified')
             ORDER BY next_reminder_at LIMIT $1 FOR UPDATE SKIP LOCKED) d ${CONTACT_OF}`,
      [limit],
    );
  }

  /**
   * One e-mail per contact: the one that has not been sent yet, or a new one when the last is `pauseSeconds` ago. Two processes do not both make one: the
   * second finds the contact written to.
   */
  async places(unit: Unit, contacts: string[], pauseSeconds: number): Promise<Map<string, Place>> {
    if (contacts.length === 0) return new Map();
    const rows = await unit.query<{ contact: string; emailId: string | null; until: Date }>(
      `WITH asked AS (SELECT DISTINCT contact FROM unnest($1::text[]) AS contact),
       waiting AS (SELECT id, contact FROM emails WHERE contact = ANY($1) AND attempts = 0 FOR UPDATE SKIP LOCKED),
       free AS (
         INSERT INTO mailed_contacts AS mailed (contact, mailed_at)
         SELECT contact, now() FROM asked WHERE contact NOT IN (SELECT contact FROM waiting) ORDER BY contact
         ON CONFLICT (contact) DO UPDATE SET mailed_at = now() WHERE mailed.mailed_at <= now() - make_interval(secs => $2) RETURNING contact),
       made AS (INSERT INTO emails (id, contact, available_at)
                SELECT gen_random_uuid(), contact, now() + make_interval(secs => ${GATHER_SECONDS}) FROM free RETURNING id, contact)
       SELECT asked.contact, coalesce(waiting.id, made.id) AS "emailId",
              coalesce(mailed.mailed_at, now()) + make_interval(secs => $2) AS until
       FROM asked LEFT JOIN waiting USING (contact) LEFT JOIN made USING (contact) LEFT JOIN mailed_contacts mailed USING (contact)`,
      [contacts, pauseSeconds],
    );
    return new Map(
      rows.map(({ contact, emailId, until }) => [contact, emailId === null ? { emailId, until } : { emailId }]),
    );
  }

  /** Of deliveries that this unit holds. */
  async take(unit: Unit, steps: ReminderStep[]): Promise<void> {
    await unit.query(
      `WITH step AS (SELECT * FROM jsonb_to_recordset($1) AS step ("deliveryId" uuid, "packetId" uuid, steps int, "nextAt" timestamptz, "emailId" uuid)),
       told AS (INSERT INTO email_deliveries (email_id, delivery_id, packet_id)
                SELECT "emailId", "deliveryId", "packetId" FROM step WHERE "emailId" IS NOT NULL ON CONFLICT DO NOTHING)
       UPDATE deliveries SET next_reminder_at = step."nextAt", reminders = reminders + step.steps FROM step WHERE id = step."deliveryId"`,
      [JSON.stringify(steps)],
    );
  }

  /** Contacts that may be written to again anyway: nothing of a person is kept longer than the bound needs it. */
  async forgetContacts(pauseSeconds: number): Promise<void> {
    await this.transactions.query('DELETE FROM mailed_contacts WHERE mailed_at < now() - make_interval(secs => $1)', [
      pauseSeconds,
    ]);
  }
}
