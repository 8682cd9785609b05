import { LienThongError, type StatusAnswer, type StatusReport } from '@lienthong/contracts';
import {
  DatabaseClock,
  DeliveryStore,
  EventStreamStore,
  type PacketRow,
  PacketStore,
  TimelineStore,
  Transactions,
} from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';
import { invalid } from '../policy';

/** Codes of edXML (QCVN 102:2016) for documents; other data types bring their own list when they are installed. */
const EDXML_CODES = new Set(['01', '02', '03', '04', '05', '06', '13', '15', '16']);

/** A destination tells what became of what it accepted: a history, never overwritten, and never a transport state (reliability 5.5). */
@Injectable()
export class ReportStatus {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly events: EventStreamStore,
    private readonly timeline: TimelineStore,
    private readonly clock: DatabaseClock,
  ) {}

  async report(systemId: string, packetId: string, status: StatusReport): Promise<StatusAnswer> {
    // The newest, where it was sent again.
    const delivery = (await this.deliveries.ofPacket(packetId, systemId)).at(-1);
    if (!delivery) throw new LienThongError('not_found');
    if (delivery.state !== 'accepted')
      throw new LienThongError(
        'wrong_state',
        { state: delivery.state, action: 'report a status' },
        { state: delivery.state },
      );
    const packet = (await this.packets.find(packetId)) as PacketRow;
    if (packet.dataType.startsWith('edxml.') && !EDXML_CODES.has(status.code))
      throw invalid('/code', 'is_in', 'là một trong 01–06, 13, 15, 16', 'one of 01–06, 13, 15, 16');
    const at = new Date(status.at ?? this.clock.now());
    const { deliveryId } = delivery;
    const data = {
      code: status.code,
      ...(status.description ? { description: status.description } : {}),
      at: at.toISOString(),
    };
    await this.transactions.run(async (unit) => {
      await this.deliveries.addStatus(unit, {
        packetId,
        deliveryId,
        code: status.code,
        description: status.description ?? null,
        at,
      });
      this.timeline.add(unit, packetId, [{ event: 'packet.status', deliveryId, detail: data }]);
      this.events.add(unit, [
        {
          systemId: packet.source,
          type: 'packet.status',
          packetId,
          deliveryId,
          data: { packetId, deliveryId, systemId, ...data },
        },
      ]);
    });
    return { packetId, code: status.code, at: at.toISOString() };
  }
}
