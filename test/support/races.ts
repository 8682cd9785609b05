import { verifyReceipts } from '@lienthong/signing';
import { Client } from 'pg';
import { eventually } from './eventually';
import { digest, fetchAll, sendInline, waiting } from './exchange';
import type { Party, Platform } from './platform';

/** A packet that its destination has fetched, and about which everything can still be decided. */
export interface Contested {
  packetId: string;
  deliveryId: string;
  parts: { name: string; sha256: string }[];
}

const said = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'in time',
    ({ code, message }: { code?: string; message: string }) => code ?? message,
  );

const ENDS = /^(delivery\.(accepted|rejected|undeliverable)|packet\.recalled)$/;

/** Those who decide about a packet at the same moment, and what must be so when they have. */
export class Races {
  constructor(
    private readonly platform: Platform,
    private readonly source: Party,
    private readonly destination: Party,
  ) {}

  async prepare(): Promise<Contested> {
    const { packetId } = await sendInline(this.source, this.destination);
    const { deliveryId } = await waiting(this.destination, packetId);
    const [{ part, bytes }] = await fetchAll(this.destination, deliveryId);
    return { packetId, deliveryId, parts: [{ name: part, sha256: digest(bytes) }] };
  }

  /** Two confirmations, a rejection and a recall, from a different one of them each time. */
  compete({ packetId, deliveryId, parts }: Contested): Promise<unknown> {
    const { deliveries } = this.destination.client;
    const racers = [
      () => deliveries.confirm(deliveryId, { outcome: 'accepted', parts }),
      () => deliveries.confirm(deliveryId, { outcome: 'rejected', parts, reasonCode: 'wrong_addressee' }),
      () => this.source.client.packets.recall(packetId, 'Cùng lúc'),
      () => deliveries.confirm(deliveryId, { outcome: 'accepted', parts }),
    ];
    const first = Math.floor(Math.random() * racers.length);
    return Promise.allSettled(racers.map((_, index) => racers[(index + first) % racers.length]()));
  }

  /** @returns that it was taken, or the code of the refusal */
  accept({ deliveryId, parts }: Contested): Promise<string> {
    return said(this.destination.client.deliveries.confirm(deliveryId, { outcome: 'accepted', parts }));
  }

  extend({ packetId }: Contested, deliverBy: string): Promise<string> {
    return said(this.source.client.packets.extend(packetId, deliverBy));
  }

  /**
   * The time of these packets ends: the scheduler stands before the first of them and goes through all while the others decide.
   * @param decide begins what the others do
   */
  async withDeadline<T>(packetIds: string[], decide: () => T): Promise<T> {
    const held = new Client({ connectionString: this.platform.databaseUrl() });
    await held.connect();
    try {
      await held.query('BEGIN');
      const { rows } = await held.query<{ pid: number }>(
        'SELECT pg_backend_pid() AS pid FROM packets WHERE id = ANY($1) FOR UPDATE',
        [packetIds],
      );
      await this.platform.sql('UPDATE deliveries SET deliver_by = now() WHERE packet_id = ANY($1)', [packetIds]);
      await eventually(
        async () => {
          const waits = await this.platform.sql(
            'SELECT 1 FROM pg_locks WHERE NOT granted AND $1 = ANY(pg_blocking_pids(pid))',
            [rows[0].pid],
          );
          return waits.length > 0;
        },
        { every: 20 },
      );
      const committed = held.query('COMMIT');
      const deciding = decide();
      await committed;
      return deciding;
    } finally {
      await held.end();
    }
  }

  /** The one outcome of it, which its source sees and its receipts say. @returns the state of the delivery */
  async outcome({ packetId }: Contested): Promise<string> {
    const packet = await this.source.client.packets.get(packetId);
    const [{ state }] = packet.recipients;
    const { receipts } = await this.source.client.packets.receipts(packetId);
    const verified = await verifyReceipts({ packetId, receipts }, await this.platform.admin.jwks());
    expect(verified.problems).toEqual([]);
    const said = receipts.map(({ event }) => event).filter((event) => ENDS.test(event));
    const told = packet.timeline.map(({ event }) => event).filter((event) => ENDS.test(event));
    const ended = packet.state !== 'scheduled';
    const expected = ended ? [state === 'recalled' ? 'packet.recalled' : `delivery.${state}`] : [];
    expect([said, told]).toEqual([expected, expected]);
    return state;
  }
}
