import { createHash } from 'node:crypto';
import {
  LIMITS,
  LienThongError,
  type Recipient,
  type Route,
  type SendAnswer,
  type SendRequest,
  task,
} from '@lienthong/contracts';
import {
  dataTypeScope,
  nowBy,
  type PacketRow,
  PacketStore,
  type PartRow,
  type PlannedRecipient,
  PolicyRulesStore,
  RoutingStore,
  systemScope,
  TimelineStore,
  Transactions,
  TurnStore,
} from '@lienthong/persistence';
import { objectKey, Storage } from '@lienthong/storage';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { ConnectorOptions } from '../connector.config';
import { deadlineOf, policyOf, withPolicy } from '../policy';
import { type CheckedPart, checkParts } from './declared-parts';
import { SpaceQuota } from './space-quota';
import { StoreRoom } from './store-room';
import { storedPartOf, UploadSpaces } from './upload-space';

/** An inline request that began this long ago and is still open was cut off; its repetition goes on with it. */
const INLINE_RUNNING_MS = 30_000;

export interface SendContext {
  systemId: string;
  idempotencyKey: string | null;
  /** The body as it came: the same key with other bytes is another request. */
  rawBody: Buffer;
}

/** S2: checks the request, answers for each recipient, and gives the space; with `inline` also S3 and the completion. */
@Injectable()
export class RequestSpace {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly routing: RoutingStore,
    private readonly timeline: TimelineStore,
    private readonly turns: TurnStore,
    private readonly storage: Storage,
    private readonly spaces: UploadSpaces,
    private readonly rules: PolicyRulesStore,
    private readonly options: ConnectorOptions,
    private readonly quota: SpaceQuota,
    private readonly room: StoreRoom,
  ) {}

  async send(request: SendRequest, context: SendContext): Promise<SendAnswer> {
    const requestDigest = createHash('sha256').update(context.rawBody).digest();
    // A request that is repeated gets its packet, whatever has changed meanwhile; one that is not repeated costs no look for it.
    const again = async (otherwise: unknown) => {
      const known = context.idempotencyKey && (await this.packets.byKey(context.systemId, context.idempotencyKey));
      if (!known) throw otherwise;
      return this.again(known, request, requestDigest);
    };
    const checked = await this.check(request, context.systemId).catch((error: unknown) => ({ error }));
    if ('error' in checked) return again(checked.error);
    const { protocol, policy, sources, urgentQuota, parts, recipients, planned } = checked;

    const id = uuidv7();
    const rows: PartRow[] = parts.map(({ name, mediaType, size, sha256 }, ordinal) => ({
      ordinal,
      name,
      mediaType,
      size,
      sha256,
      objectKey: objectKey(id, ordinal),
      uploadId: null,
    }));
    const packet = await this.packets.insert({
      id,
      source: context.systemId,
      title: request.title,
      priority: request.priority ?? 'normal',
      dataType: request.dataType,
      protocol,
      inReplyTo: request.inReplyTo ?? null,
      policy,
      policySources: sources,
      urgentQuota,
      recipients: planned,
      idempotencyKey: context.idempotencyKey,
      requestDigest,
      spaceSeconds: LIMITS.spaceSeconds,
      parts: rows,
    });
    if (!packet) return again(new LienThongError('idempotency_in_progress', { retryAfter: 1 }));
    return this.answer(packet, recipients, rows, parts);
  }

  /** @throws LienThongError what is wrong with the request */
  private async check(request: SendRequest, systemId: string) {
    this.room.mustTakeMore();
    const protocol = request.protocol ?? 'put';
    const parts = checkParts(request.parts, protocol);
    const [recipients, { now, layers: rules }] = await Promise.all([
      this.routing.resolve(systemId, request.dataType, request.to),
      this.rules.of([dataTypeScope(request.dataType), systemScope(systemId)]),
    ]);
    const layers = rules.map(({ scope, rules: set }) => ({ source: scope, rules: set }));
    const { policy, sources } = withPolicy(policyOf(this.options.policy, layers), request.policy, 'packet');
    deadlineOf(policy, request.dataType, now);
    const planned = plannedOf(recipients, policy.allowPartial ?? false);
    if (protocol !== 'inline') await this.quota.mustHaveRoom(systemId, bytesOf(parts));
    const { urgentQuota } = this.options;
    const own = rules.find(({ rules: set }) => set.urgentQuota !== undefined)?.rules.urgentQuota;
    return {
      protocol,
      policy,
      sources,
      urgentQuota: { ...urgentQuota, packets: own ?? urgentQuota.packets },
      parts,
      recipients,
      planned,
    } as const;
  }

  /** Fresh addresses for a space that is still open. */
  async renew(systemId: string, packetId: string): Promise<SendAnswer> {
    const packet = await this.packets.own(systemId, packetId);
    if (packet.state !== 'open' || packet.spaceExpiresAt <= nowBy(packet))
      throw new LienThongError(
        'wrong_state',
        { state: packet.state === 'open' ? 'expired' : packet.state, action: 'renew the space' },
        { state: packet.state },
      );
    return this.withSpace(packet, recipientsOf(packet), await this.packets.parts(packet.id));
  }

  private async again(packet: PacketRow, request: SendRequest, digest: Buffer): Promise<SendAnswer> {
    if (!packet.requestDigest?.equals(digest))
      throw new LienThongError('idempotency_key_reused', { packetId: packet.id }, { packetId: packet.id });
    const recipients = recipientsOf(packet);
    if (packet.state !== 'open')
      return { packetId: packet.id, state: packet.state, recipients, ...importanceOf(packet) };
    const rows = await this.packets.parts(packet.id);
    // Content that came in the request was deleted with its round; a later round has a space for it.
    if (packet.protocol !== 'inline' || packet.round > 1) return this.withSpace(packet, recipients, rows);
    if (nowBy(packet).getTime() - packet.createdAt.getTime() < INLINE_RUNNING_MS)
      throw new LienThongError('idempotency_in_progress', { retryAfter: 1 }, { packetId: packet.id });
    return this.answer(packet, recipients, rows, checkParts(request.parts, 'inline'));
  }

  private async answer(
    packet: PacketRow,
    recipients: Recipient[],
    rows: PartRow[],
    parts: CheckedPart[],
  ): Promise<SendAnswer> {
    if (packet.protocol !== 'inline') return this.withSpace(packet, recipients, rows);
    const [waits] = await Promise.all([
      this.turns.mustWait(packet),
      ...rows.map((row, index) => this.storage.put(storedPartOf(row), parts[index].content as Buffer)),
    ]);
    const { policy, policySources } = packet;
    const deliverBy = deadlineOf(policy, packet.dataType, nowBy(packet));
    await this.transactions.run(async (unit) => {
      await this.packets.receive(unit, packet, policy, deliverBy, policySources, waits);
      this.timeline.add(unit, packet.id, [{ event: 'packet.received' }]);
      if (!waits) unit.enqueue(task('analyse-packet', packet.id), packet.priority);
    });
    return { packetId: packet.id, state: 'received', recipients, ...importanceOf(packet) };
  }

  private async withSpace(packet: PacketRow, recipients: Recipient[], rows: PartRow[]): Promise<SendAnswer> {
    return {
      packetId: packet.id,
      state: 'open',
      recipients,
      ...importanceOf(packet),
      space: await this.spaces.of(packet, rows),
    };
  }
}

/** @throws recipients_refused with the answer per recipient, before any upload */
function plannedOf(recipients: Recipient[], allowPartial: boolean): PlannedRecipient[] {
  const refused = recipients.filter((recipient) => !recipient.allowed);
  if (refused.length === recipients.length || (refused.length > 0 && !allowPartial))
    throw new LienThongError('recipients_refused', { count: refused.length }, { recipients });
  return recipients
    .filter((recipient) => recipient.allowed)
    .map(({ address, systemId, routedBy }) => ({
      address,
      systemId: systemId as string,
      routedBy: routedBy as Route,
    }));
}

const importanceOf = ({ priority, askedPriority }: PacketRow) => ({
  priority,
  ...(askedPriority ? { askedPriority } : {}),
});

const recipientsOf = (packet: PacketRow): Recipient[] =>
  packet.recipients.map((recipient) => ({ ...recipient, allowed: true }));

const bytesOf = (parts: { size: number }[]): number => parts.reduce((sum, { size }) => sum + size, 0);
