import type { DeliveryState, WaitingDelivery } from '@lienthong/contracts';
import { currentActor } from '../audit/actor';
import type { Transactions } from '../transactions';
import { WAITING } from '../exchange/delivery.store';
import { LIVE } from '../exchange/rows';

export interface WaitingFilter {
  limit: number;
  states?: DeliveryState[];
  /** Only packets of these data types; all without it. */
  dataTypes?: readonly string[];
  /** Where the former page ended. */
  after?: { rank: number; id: string };
}

export interface FinishedFilter extends Omit<WaitingFilter, 'after'> {
  states: DeliveryState[];
  /** The id where the former page ended. */
  before?: string;
}

/** A destination's own deliveries. */
export class DeliveryListStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** What waits for a system, by priority, then age. */
  async waiting(systemId: string, { limit, states, dataTypes, after }: WaitingFilter): Promise<WaitingDelivery[]> {
    const rows = await this.transactions.query<{ item: WaitingDelivery }>(
      `SELECT ${WAITING} AS item FROM deliveries d JOIN packets p ON p.id = d.packet_id
       WHERE d.system_id = $1 AND d.state IN ${LIVE} AND d.available_at <= now()
         AND ($3::text[] IS NULL OR d.state = ANY($3)) AND ($6::text[] IS NULL OR p.data_type = ANY($6))
         AND ($4::int IS NULL OR d.priority < $4 OR (d.priority = $4 AND d.id > $5))
       ORDER BY d.priority DESC, d.id LIMIT $2`,
      [systemId, limit, states ?? null, after?.rank ?? null, after?.id ?? null, dataTypes ?? null],
    );
    return rows.map((row) => row.item);
  }

  /** Finished deliveries too, newest first, when a state that is final is asked for. */
  async inStates(systemId: string, { states, limit, dataTypes, before }: FinishedFilter): Promise<WaitingDelivery[]> {
    const rows = await this.transactions.query<{ item: WaitingDelivery }>(
      `SELECT ${WAITING} AS item FROM deliveries d JOIN packets p ON p.id = d.packet_id
       WHERE d.system_id = $1 AND d.state = ANY($2) AND d.available_at <= now() AND ($4::uuid IS NULL OR d.id < $4)
         AND ($5::text[] IS NULL OR p.data_type = ANY($5))
       ORDER BY d.id DESC LIMIT $3`,
      [systemId, states, limit, before ?? null, dataTypes ?? null],
    );
    return rows.map((row) => row.item);
  }

  async waitingCount(systemId: string): Promise<number> {
    const [{ n }] = await this.transactions.query<{ n: string }>(
      `SELECT count(*) AS n FROM deliveries WHERE system_id = $1 AND state IN ${LIVE} AND available_at <= now()`,
      [systemId],
    );
    return Number(n);
  }

  /** Being listed is being told: pending → notified. */
  async markListed(ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.transactions.query(
      `WITH told AS (UPDATE deliveries SET state = 'notified' WHERE id = ANY($1) AND state = 'pending' RETURNING id, packet_id, system_id)
       INSERT INTO audit_entries (actor, system_id, action, packet_id, delivery_id)
       SELECT $2, system_id, 'delivery.notified', packet_id, id FROM told`,
      [ids, currentActor().actor],
    );
  }
}
