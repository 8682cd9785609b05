import type { DeliveryState } from '@lienthong/contracts';
import type { Unit } from '../transactions';

/** Confirmations that changed nothing and yet mean something. */
export class RefusedConfirmationStore {
  /**
   * The first one that came when the delivery had been given up or taken back; further ones say nothing new.
   * @returns undefined when it is not the first
   */
  async late(
    unit: Unit,
    systemId: string,
    deliveryId: string,
  ): Promise<{ packetId: string; state: DeliveryState } | undefined> {
    const [row] = await unit.query<{ packetId: string; state: DeliveryState }>(
      `UPDATE deliveries SET late_confirmed_at = now()
       WHERE id = $1 AND system_id = $2 AND late_confirmed_at IS NULL AND state IN ('undeliverable', 'recalled')
       RETURNING packet_id AS "packetId", state`,
      [deliveryId, systemId],
    );
    return row;
  }

  /** One more with other digests than those of the content. @returns how many there were */
  async mismatched(
    unit: Unit,
    systemId: string,
    deliveryId: string,
  ): Promise<{ packetId: string; count: number; priority: number } | undefined> {
    const [row] = await unit.query<{ packetId: string; count: number; priority: number }>(
      `UPDATE deliveries SET mismatches = mismatches + 1 WHERE id = $1 AND system_id = $2 AND state = 'ready'
       RETURNING packet_id AS "packetId", mismatches AS count, priority`,
      [deliveryId, systemId],
    );
    return row;
  }
}
