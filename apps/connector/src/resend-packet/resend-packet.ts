import {
  LIMITS,
  LienThongError,
  type Recipient,
  type ResendAnswer,
  type ResendRequest,
  type Route,
} from '@lienthong/contracts';
import {
  AnnounceDeliveries,
  DeliveryStore,
  type NewRound,
  nowBy,
  type PacketRow,
  PacketStore,
  partsOf,
  type PlannedRecipient,
  ResendStore,
  RoutingStore,
  TimelineStore,
  Transactions,
  type Unit,
} from '@lienthong/persistence';
import { objectKey } from '@lienthong/storage';
import { Injectable } from '@nestjs/common';
import { deadlineOf, invalid } from '../policy';
import { UploadSpaces } from '../request-space/upload-space';

/** Content that goes sooner is not counted on: a purge may be about to begin. */
const KEPT_MS = 60_000;
/** A purge takes seconds. */
const PURGING_SECONDS = 3;

/**
 * The source sends a packet again to those who rejected it or were not reached: a new round, with new deliveries; the former stay as they ended.
 * While others still wait, or the content is kept, at once; else the same content is uploaded into the same packet once more.
 */
@Injectable()
export class ResendPacket {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly deliveries: DeliveryStore,
    private readonly resends: ResendStore,
    private readonly routing: RoutingStore,
    private readonly announce: AnnounceDeliveries,
    private readonly timeline: TimelineStore,
    private readonly spaces: UploadSpaces,
  ) {}

  /** With an `idempotencyKey` the same request begins one round, however often it is said and however that round has ended since. */
  async resend(
    systemId: string,
    packetId: string,
    { to, deliverBy, idempotencyKey: key }: ResendRequest & { idempotencyKey: string | null },
  ): Promise<ResendAnswer> {
    const known = await this.packets.own(systemId, packetId);
    if (key !== null && (await this.resends.hasBegun(packetId, key))) return this.answer(known, []);
    const undelivered = await this.resends.undelivered(packetId);
    if (to && isUnderWayFor(known, to, undelivered)) return this.answer(known, []);
    const asked = chosenOf(undelivered, to);
    const recipients = await this.routing.resolve(systemId, known.dataType, asked);
    const refused = recipients.filter(({ allowed }) => !allowed);
    if (refused.length > 0) throw new LienThongError('recipients_refused', { count: refused.length }, { recipients });
    const packet = await this.transactions.run(async (unit) => {
      const held = (await this.packets.lock(unit, packetId)) as PacketRow;
      if (key !== null && (await this.resends.hasBegun(packetId, key, unit))) return held;
      const now = await this.resends.undelivered(packetId, unit);
      const still = new Set(now.map(({ address }) => address));
      const isUnderWay =
        isUnderWayFor(held, asked, now) ||
        (held.round > 1 && (held.state === 'open' || held.state === 'received' || still.size === 0));
      // Said twice is said once: the answer tells of the round that the first began.
      if (isUnderWay && !isOver(held)) return held;
      if (asked.length === 0 || !asked.every((address) => still.has(address)))
        throw new LienThongError('wrong_state', { state: held.state, action: 'resend' }, { state: held.state });
      return this.begin(unit, held, recipients.map(plannedOf), { deliverBy, key });
    });
    return this.answer(packet, recipients);
  }

  private async begin(
    unit: Unit,
    packet: PacketRow,
    to: PlannedRecipient[],
    { deliverBy: asked, key }: { deliverBy?: string; key: string | null },
  ): Promise<PacketRow> {
    const { deliverBy: _former, deliverAfter: _after, ...rest } = packet.policy;
    const policy = { ...rest, ...(asked ? { deliverBy: asked } : {}) };
    const deliverBy = deadlineOf(policy, packet.dataType, nowBy(packet));
    const { deliverAfter: _sourceOfAfter, ...given } = packet.policySources;
    const sources = { ...given, deliverBy: 'resend' };
    const state = beginningOf(packet);
    const parts = state === 'open' ? await partsOf(unit, packet.id) : [];
    const objectKeys = parts.map(({ ordinal }) => ({
      ordinal,
      objectKey: objectKey(packet.id, ordinal, packet.round + 1),
    }));
    const round: NewRound = {
      to,
      state,
      deliverBy,
      policy,
      sources,
      spaceSeconds: LIMITS.spaceSeconds,
      objectKeys,
      key,
    };
    const begun = await this.resends.begin(unit, packet, round);
    const detail = { round: begun.round, recipients: to.length, content: state === 'open' ? 'upload' : 'kept' };
    this.timeline.add(unit, packet.id, [{ event: 'packet.resent', detail }]);
    if (state === 'scheduled') {
      this.announce.tell(unit, packet.id, await this.deliveries.plan(unit, { ...begun, policy, deliverBy }, 0));
      await this.resends.prolong(unit, packet.id, deliverBy);
    }
    return begun;
  }

  private async answer({ id, round }: PacketRow, recipients: Recipient[]): Promise<ResendAnswer> {
    const packet = (await this.packets.find(id)) as PacketRow;
    const { state } = packet;
    const shown =
      recipients.length > 0 ? recipients : (packet.resendTo ?? []).map((one) => ({ ...one, allowed: true }));
    const answer = { packetId: id, state, round, recipients: shown };
    if (state !== 'open') return answer;
    return { ...answer, space: await this.spaces.of(packet, await this.packets.parts(id)) };
  }
}

/** Those that this round is for, none of whom it has missed: their request, said once more. */
const isUnderWayFor = (packet: PacketRow, to: string[], undelivered: PlannedRecipient[]): boolean =>
  packet.round > 1 &&
  !isOver(packet) &&
  to.every(
    (address) =>
      packet.resendTo?.some((one) => one.address === address) && !undelivered.some((one) => one.address === address),
  );

const isOver = ({ finishedAt }: PacketRow): boolean => finishedAt !== null;

/** @throws validation_failed for an address to which nothing failed */
function chosenOf(undelivered: PlannedRecipient[], to?: string[]): string[] {
  if (!to) return undelivered.map(({ address }) => address);
  to.forEach((address, index) => {
    if (!undelivered.some((one) => one.address === address))
      throw invalid(
        `/to/${index}`,
        'not_undelivered',
        'không phải nơi nhận đã từ chối hoặc không giao được của gói tin này',
        'is no recipient of this packet that rejected it or was not reached',
      );
  });
  return [...new Set(to)];
}

const plannedOf = ({ address, systemId, routedBy }: Recipient): PlannedRecipient => ({
  address,
  systemId: systemId as string,
  routedBy: routedBy as Route,
});

/**
 * Where the new round begins, by what is left of the content.
 * @throws wrong_state for what was never delivered or was taken back; unavailable while the content is being deleted
 */
function beginningOf(packet: PacketRow): NewRound['state'] {
  const { state, round, purgedAt, purgeAfter } = packet;
  if (state === 'scheduled') return 'scheduled';
  if (state !== 'completed' && !(round > 1 && (state === 'expired' || state === 'refused')))
    throw new LienThongError('wrong_state', { state, action: 'resend' }, { state });
  if (purgedAt) return 'open';
  if (state === 'completed' && purgeAfter && purgeAfter.getTime() > nowBy(packet).getTime() + KEPT_MS)
    return 'received';
  throw new LienThongError('unavailable', { what: 'purge-content', retryAfter: PURGING_SECONDS });
}
