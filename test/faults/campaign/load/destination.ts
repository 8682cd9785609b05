import type { WaitingDelivery } from '@lienthong/contracts';
import { download } from '../../../support/exchange';
import type { Party } from '../../../support/platform';
import type { History } from '../history';
import { type Answer, digest } from './choices';

/** A destination that fetches what waits for it and answers as it does, noting what it sees. */
export class Destination {
  /**
   * @param answerOf undefined for what it does not come for
   * @param told passes on what becomes of work on a packet, with what is known of the packet
   */
  constructor(
    private readonly history: History,
    private readonly party: Party,
    private readonly answerOf: (delivery: WaitingDelivery) => Answer | undefined,
    private readonly told: <T>(packetId: string, work: Promise<T>) => Promise<T>,
  ) {}

  async receiveAll(): Promise<void> {
    while ((await this.receive()) > 0);
  }

  /** @returns how many it came for */
  async receive(): Promise<number> {
    const { items } = await this.party.client.deliveries.page({ limit: 20 });
    let came = 0;
    for (const delivery of items) {
      const answer = this.answerOf(delivery);
      if (!answer) continue;
      came += 1;
      await this.told(delivery.packetId, this.take(delivery, answer));
    }
    return came;
  }

  private async take({ deliveryId, packetId, attempt }: WaitingDelivery, answer: Answer): Promise<void> {
    const { deliveries } = this.party.client;
    const destination = this.party.systemId;
    const { space } = await deliveries.ready(deliveryId);
    const parts = [];
    for (const one of space.downloads) {
      const { bytes, status } = await download(one);
      if (status !== 200) throw Object.assign(new Error('download'), { code: `download ${status}` });
      this.history.fetched.push({ packetId, destination, sha256: digest(bytes) });
      parts.push({ name: one.part, sha256: digest(bytes) });
    }
    const { outcome, retryable = false } = answer;
    const said = { packetId, deliveryId, attempt, destination, outcome, retryable };
    this.history.said.push(said);
    // Said twice: the second answer must be the first.
    for (let times = 0; times < 2; times++) {
      const request = { ...answer, parts: outcome === 'accepted' ? parts : [] };
      const { receipt, state } = await deliveries.confirm(deliveryId, request);
      this.history.confirmed.push({ ...said, state, receipt });
    }
  }
}
