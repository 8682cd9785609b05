import { AnnounceDeliveries, Transactions } from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';

/**
 * S4, for deliveries whose time comes later (deliverAfter, another attempt after a rejection) or was missed: writes `packet.available` into the
 * stream of every destination whose delivery is due. Planning does the same at once for what is due at once. Open streams get it immediately, the
 * others when they come; the delivery is `notified` when the destination has acknowledged or listed it.
 */
@Injectable()
export class NotifyDestination {
  constructor(
    private readonly transactions: Transactions,
    private readonly announce: AnnounceDeliveries,
  ) {}

  async notify(packetId: string): Promise<void> {
    await this.transactions.run((unit) => this.announce.due(unit, packetId));
  }
}
