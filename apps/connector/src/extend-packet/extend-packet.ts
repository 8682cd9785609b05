import { type ExtendAnswer, LIMITS, LienThongError } from '@lienthong/contracts';
import {
  DeadlineStore,
  type DeliveryRow,
  DeliveryStore,
  EventStreamStore,
  iso,
  type PacketRow,
  PacketStore,
  TimelineStore,
  Transactions,
} from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';
import { invalid, tooFar } from '../policy';

/** The source gives its destinations more time, as long as one of them has not ended. What ended stays ended. */
@Injectable()
export class ExtendPacket {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly deadlines: DeadlineStore,
    private readonly events: EventStreamStore,
    private readonly timeline: TimelineStore,
  ) {}

  async extend(systemId: string, packetId: string, deliverBy: Date): Promise<ExtendAnswer> {
    await this.packets.own(systemId, packetId);
    return this.transactions.run(async (unit) => {
      const packet = (await this.packets.lock(unit, packetId)) as PacketRow;
      const live = await this.deliveries.live(unit, packetId);
      const { state } = packet;
      if (state !== 'received' && (state !== 'scheduled' || live.length === 0))
        throw new LienThongError('wrong_state', { state, action: 'extend' }, { state });
      const answer = {
        packetId,
        deliverBy: iso(deliverBy),
        deliveries: live.map(({ id, systemId: to }) => ({ deliveryId: id, systemId: to })),
      };
      const former = packet.deliverBy as Date;
      // Said twice is said once.
      if (deliverBy.getTime() === former.getTime()) return answer;
      mustBeLater(packet, former, deliverBy);
      await this.deadlines.extend(unit, packet, live, deliverBy);
      const detail = { deliverBy: iso(deliverBy), former: iso(former) };
      this.timeline.add(unit, packetId, [{ event: 'packet.extended', detail }]);
      this.events.add(
        unit,
        live.filter(isTold).map(({ id, systemId: to }) => ({
          systemId: to,
          type: 'packet.extended',
          packetId,
          deliveryId: id,
          data: { packetId, deliveryId: id, ...detail },
        })),
      );
      return answer;
    });
  }
}

const isTold = ({ announced, state }: DeliveryRow): boolean => announced > 0 || state !== 'pending';

/** The bound is counted from the completion, as that of the policy: content does not stay for ever by one extension after the other. */
function mustBeLater({ policy, receivedAt }: PacketRow, former: Date, deliverBy: Date): void {
  if (deliverBy < former)
    throw invalid(
      '/deliverBy',
      'not_later',
      `phải sau hạn đang áp dụng (${iso(former)})`,
      `must be after the deadline in force (${iso(former)})`,
    );
  const most = policy.deliverBySecondsMax ?? LIMITS.deliverBySecondsMax;
  if (deliverBy.getTime() > (receivedAt as Date).getTime() + most * 1000) throw tooFar('/deliverBy', most);
}
