import { isDeepStrictEqual } from 'node:util';
import {
  type ConfirmAnswer,
  type ConfirmRequest,
  LienThongError,
  type ReceiptClaims,
  task,
} from '@lienthong/contracts';
import {
  AFTER_THE_END,
  CalendarStore,
  type DeliveryRow,
  DeliveryStore,
  EventStreamStore,
  type HeldDelivery,
  isoOrNull,
  nextOpen,
  nowBy,
  type PacketRow,
  PacketStore,
  type PartRow,
  ReceiptStore,
  SettlePacket,
  TimelineStore,
  Transactions,
  type Unit,
} from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';
import { ConnectorOptions } from '../connector.config';
import { RefusedConfirmation } from './refused-confirmation';

/** @returns the pause after a retryable rejection, doubled with each attempt, 1 h at most */
const retryMs = (attempt: number, firstSeconds: number): number =>
  Math.min(firstSeconds * 1000 * 2 ** (attempt - 1), 3_600_000);

/** S7: the destination has it (or will not have it); recorded with a receipt, told to the source, and the packet completed with its last delivery. */
@Injectable()
export class ConfirmReceipt {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly events: EventStreamStore,
    private readonly receipts: ReceiptStore,
    private readonly timeline: TimelineStore,
    private readonly settle: SettlePacket,
    private readonly refused: RefusedConfirmation,
    private readonly calendars: CalendarStore,
    private readonly options: ConnectorOptions,
  ) {}

  async confirm(
    systemId: string,
    deliveryId: string,
    request: ConfirmRequest,
    evidence: Pick<ReceiptClaims, 'request' | 'proof'>,
  ): Promise<ConfirmAnswer> {
    try {
      return await this.take(systemId, deliveryId, request, evidence);
    } catch (error) {
      await this.refused.note(error, systemId, deliveryId, request);
      throw error;
    }
  }

  private take(
    systemId: string,
    deliveryId: string,
    request: ConfirmRequest,
    evidence: Pick<ReceiptClaims, 'request' | 'proof'>,
  ): Promise<ConfirmAnswer> {
    return this.transactions.run(async (unit) => {
      const [{ packet, parts }, delivery] = await Promise.all([
        // A rejection that is said again before the delivery comes again has the receipt that it had.
        this.packets.lockForDelivery(unit, systemId, deliveryId, true),
        this.deliveries.held(unit, deliveryId),
      ]);
      const said = sameForAll(request);
      if (delivery.confirmation && isDeepStrictEqual(delivery.confirmation.request, said) && delivery.state !== 'ready')
        return { deliveryId, state: delivery.state, receipt: delivery.confirmation.receipt };
      mustBeReady(delivery);
      if (request.outcome === 'accepted') mustAgree(parts, request);
      const receipt = await this.receipts.append(unit, packet, [
        {
          event: request.outcome === 'accepted' ? 'delivery.accepted' : 'delivery.rejected',
          to: [systemId],
          parts,
          deliveryId,
          ...evidence,
          detail: { reported: said.parts, ...whyOf(request), attempt: delivery.attempt },
        },
      ]);
      const confirmation = { request: said, receipt };
      const state = await this.record(unit, packet, delivery, request, confirmation);
      return { deliveryId, state, receipt };
    });
  }

  private async record(
    unit: Unit,
    packet: PacketRow,
    delivery: HeldDelivery,
    request: ConfirmRequest,
    confirmation: { request: unknown; receipt: string },
  ) {
    const { id: deliveryId, systemId } = delivery;
    const { attempts, retrySeconds } = this.options.rejections;
    const asked = request.outcome === 'rejected' && request.retryable === true && delivery.attempt < attempts;
    const now = nowBy(packet).getTime();
    const soonest = new Date(now + retryMs(delivery.attempt, retrySeconds));
    const availableAt = asked ? nextOpen(await this.calendars.of(systemId, unit), soonest) : soonest;
    const again = asked && availableAt < delivery.deliverBy;
    if (again) {
      await this.deliveries.retry(unit, deliveryId, availableAt, { ...whyOf(request), confirmation });
      unit.enqueue(task('notify-destination', packet.id), packet.priority, availableAt.getTime() - now);
    } else {
      await this.deliveries.change(unit, [deliveryId], request.outcome, { ...whyOf(request), confirmation });
    }
    const type = request.outcome === 'accepted' ? 'delivery.accepted' : 'delivery.rejected';
    const detail = {
      ...whyOf(request),
      ...(again ? { retryAt: availableAt.toISOString() } : {}),
      ...(request.outcome === 'rejected' && !again ? { canDo: AFTER_THE_END } : {}),
    };
    this.timeline.add(unit, packet.id, [{ event: type, deliveryId, detail }]);
    this.events.add(unit, [
      {
        systemId: packet.source,
        type,
        packetId: packet.id,
        deliveryId,
        data: { packetId: packet.id, deliveryId, systemId, retryable: again, ...detail, receipt: confirmation.receipt },
      },
    ]);
    if (!again && delivery.isLastLive) await this.settle.complete(unit, packet);
    return again ? 'pending' : request.outcome;
  }
}

/** What makes two confirmations the same: parts in any order. */
const sameForAll = ({ outcome, parts, reasonCode, reason, retryable }: ConfirmRequest) => ({
  outcome,
  parts: parts.map(({ name, sha256 }) => ({ name, sha256 })).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  reasonCode: reasonCode ?? null,
  reason: reason ?? null,
  retryable: retryable ?? false,
});

const whyOf = ({ reasonCode, reason }: ConfirmRequest) => ({
  ...(reasonCode ? { reasonCode } : {}),
  ...(reason ? { reason } : {}),
});

function mustBeReady({ state, reasonCode, finishedAt }: DeliveryRow): void {
  if (state === 'ready') return;
  if (state === 'pending' || state === 'notified') throw new LienThongError('not_ready', {}, { state });
  const ended = { state, ...(reasonCode ? { reasonCode } : {}), finishedAt: isoOrNull(finishedAt) };
  throw new LienThongError('wrong_state', { state, action: 'confirm' }, ended);
}

/** @throws confirmation_mismatch naming every part whose digest is wrong or missing; parts that the packet does not have are wrong too */
function mustAgree(parts: PartRow[], { parts: reported }: ConfirmRequest): void {
  const wrong = new Set([
    ...parts
      .filter(({ name, sha256 }) => !reported.some((part) => part.name === name && part.sha256 === sha256))
      .map(({ name }) => name),
    ...reported
      .filter(({ name, sha256 }) => !parts.some((part) => part.name === name && part.sha256 === sha256))
      .map(({ name }) => name),
  ]);
  if (wrong.size > 0)
    throw new LienThongError('confirmation_mismatch', { parts: [...wrong].join(', ') }, { parts: [...wrong] });
}
