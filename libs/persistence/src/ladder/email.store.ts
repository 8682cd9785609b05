import { PRIORITIES, type Priority, type ReminderFailure } from '@lienthong/contracts';
import type { TimelineStore } from '../exchange/timeline.store';
import { isoOrNull } from '../times';
import type { Transactions } from '../transactions';
import { ADDRESS_SQL, CONTACT_OF, CONTACT_SQL } from './contact-sql';

export interface ClaimedEmail {
  id: string;
  contact: string;
  /** This one included. */
  attempts: number;
  /** How it ended, where only its timelines are still to be told. */
  outcome: EmailOutcome | null;
}

/** `needless`: nothing of it waits any more. */
export type EmailOutcome = 'sent' | 'needless' | ReminderFailure;

/** What an e-mail says: nothing of a packet but what its destination is told by its notice. */
export interface Reminder {
  /** As the registry has it now. */
  to: { address: string; name: string | null };
  agencies: { code: string; name: string }[];
  packets: {
    packetId: string;
    to: string;
    from: string;
    fromName: string;
    title: string;
    priority: Priority;
    deliverBy: Date;
  }[];
  /** All that wait, listed or not. */
  count: number;
}

/** Timelines told in one transaction. */
const TOLD = 500;

/** E-mails to contact persons: rows only while they are to be sent or told of. */
export class EmailStore {
  constructor(
    private readonly transactions: Transactions,
    private readonly timeline: TimelineStore,
  ) {}

  /** One that is due, for `leaseSeconds`: a process that dies with it loses nothing, another takes it then. */
  async claim(leaseSeconds: number): Promise<ClaimedEmail | undefined> {
    const [row] = await this.transactions.query<ClaimedEmail>(
      `UPDATE emails SET attempts = attempts + 1, available_at = now() + make_interval(secs => $1)
       WHERE id = (SELECT id FROM emails WHERE available_at <= now() ORDER BY available_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING id, contact, attempts, outcome`,
      [leaseSeconds],
    );
    return row;
  }

  /**
   * What is to be said now. What was fetched meanwhile, and what is for another contact by now, is taken off for good: the timelines are told of the
   * rest alone.
   * @returns undefined when nothing is left
   */
  async read({ id, contact }: ClaimedEmail, listed: number): Promise<Reminder | undefined> {
    await this.transactions.query(
      `DELETE FROM email_deliveries e WHERE email_id = $1 AND NOT EXISTS (
         SELECT 1 FROM deliveries d ${CONTACT_OF} WHERE d.id = e.delivery_id AND d.state IN ('pending', 'notified') AND ${CONTACT_SQL} = $2)`,
      [id, contact],
    );
    const rows = await this.transactions.query<Row>(
      `SELECT d.packet_id AS "packetId", d.address AS to, p.source AS from, fa.name AS "fromName", p.title, d.priority, d.deliver_by AS "deliverBy",
              ${ADDRESS_SQL} AS address, coalesce(s.contact, a.contact) ->> 'name' AS name, count(*) OVER () AS count
       FROM email_deliveries e JOIN deliveries d ON d.id = e.delivery_id ${CONTACT_OF}
       JOIN packets p ON p.id = d.packet_id JOIN systems fs ON fs.id = p.source JOIN agencies fa ON fa.code = fs.agency_code
       WHERE e.email_id = $1 ORDER BY d.priority DESC, d.deliver_by, d.id LIMIT $2`,
      [id, listed],
    );
    if (rows.length === 0) return undefined;
    const agencies = await this.transactions.query<{ code: string; name: string }>(
      `SELECT DISTINCT a.code, a.name FROM email_deliveries e JOIN deliveries d ON d.id = e.delivery_id ${CONTACT_OF}
       WHERE e.email_id = $1 ORDER BY a.code LIMIT $2`,
      [id, listed],
    );
    const [{ address, name, count }] = rows;
    return {
      to: { address, name },
      agencies,
      packets: rows.map(({ address: _address, name: _name, count: _count, priority, ...row }) => ({
        ...row,
        priority: PRIORITIES[priority],
      })),
      count: Number(count),
    };
  }

  async putOff(id: string, seconds: number): Promise<void> {
    await this.transactions.query(
      'UPDATE emails SET available_at = now() + make_interval(secs => $2) WHERE id = $1 AND outcome IS NULL',
      [id, seconds],
    );
  }

  /** How it ended: kept until every timeline has been told, also by who comes after a crash. @returns deliveries that it was about */
  async end(id: string, outcome: EmailOutcome): Promise<number> {
    await this.transactions.query('UPDATE emails SET outcome = coalesce(outcome, $2) WHERE id = $1', [id, outcome]);
    let all = 0;
    for (let told = TOLD; told === TOLD; all += told) told = await this.tell(id);
    await this.transactions.query(
      'DELETE FROM emails WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM email_deliveries WHERE email_id = $1)',
      [id],
    );
    return all;
  }

  /** Each delivery is told of once, whoever tells it: its row goes in the same transaction. @returns how many were told */
  private async tell(id: string): Promise<number> {
    return this.transactions.run(async (unit) => {
      const rows = await unit.query<Told>(
        `WITH told AS (DELETE FROM email_deliveries WHERE (email_id, delivery_id) IN (
           SELECT email_id, delivery_id FROM email_deliveries WHERE email_id = $1 ORDER BY delivery_id LIMIT ${TOLD} FOR UPDATE)
           RETURNING delivery_id)
         SELECT d.id AS "deliveryId", d.packet_id AS "packetId", d.reminders, d.next_reminder_at AS "nextAt",
                d.state IN ('pending', 'notified') AS waits,
                (SELECT outcome FROM emails WHERE id = $1) AS outcome
         FROM told JOIN deliveries d ON d.id = told.delivery_id`,
        [id],
      );
      for (const { deliveryId, packetId, reminders, nextAt, waits, outcome } of rows) {
        const next = { reminder: reminders, nextReminderAt: isoOrNull(nextAt) };
        if (outcome === 'sent')
          this.timeline.add(unit, packetId, [{ event: 'delivery.reminded', deliveryId, detail: next }]);
        // That no mail can go out is said once.
        else if (waits && outcome !== 'needless' && (outcome !== 'not_configured' || reminders === 1))
          this.timeline.add(unit, packetId, [
            { event: 'delivery.notReminded', deliveryId, detail: { why: outcome, ...next } },
          ]);
      }
      return rows.length;
    });
  }
}

interface Row {
  packetId: string;
  to: string;
  from: string;
  fromName: string;
  title: string;
  priority: number;
  deliverBy: Date;
  address: string;
  name: string | null;
  count: string;
}
interface Told {
  deliveryId: string;
  packetId: string;
  reminders: number;
  nextAt: Date | null;
  waits: boolean;
  outcome: EmailOutcome;
}
