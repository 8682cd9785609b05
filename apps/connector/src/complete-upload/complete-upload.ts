import { type CompleteAnswer, type CompleteRequest, LienThongError, task } from '@lienthong/contracts';
import {
  nowBy,
  type PacketRow,
  PacketStore,
  type PartRow,
  TimelineStore,
  Transactions,
  TurnStore,
} from '@lienthong/persistence';
import { type Finding, Storage } from '@lienthong/storage';
import { Injectable } from '@nestjs/common';
import { deadlineOf, withPolicy } from '../policy';
import { storedPartOf } from '../request-space/upload-space';

/** S3→S4: the source says that all of it has arrived; the platform looks, takes the packet over, and hands it to the analysis. */
@Injectable()
export class CompleteUpload {
  constructor(
    private readonly transactions: Transactions,
    private readonly packets: PacketStore,
    private readonly timeline: TimelineStore,
    private readonly turns: TurnStore,
    private readonly storage: Storage,
  ) {}

  async complete(systemId: string, packetId: string, request: CompleteRequest): Promise<CompleteAnswer> {
    const packet = await this.packets.own(systemId, packetId);
    // Said twice is said once: the answer tells where the packet is now.
    if (packet.receivedAt && packet.state !== 'recalled' && packet.state !== 'refused')
      return { packetId, state: packet.state };
    const expired = packet.state === 'open' && packet.spaceExpiresAt <= nowBy(packet);
    if (packet.state !== 'open' || expired) {
      const state = expired ? 'expired' : packet.state;
      throw new LienThongError('wrong_state', { state, action: 'complete' }, { state });
    }
    const asked = { policy: packet.policy, sources: packet.policySources };
    const { policy, sources } = withPolicy(asked, request.policy, 'completion');
    const deliverBy = deadlineOf(policy, packet.dataType, nowBy(packet));
    const [waits] = await Promise.all([this.turns.mustWait(packet), this.mustBeThere(packet, request)]);
    await this.transactions.run(async (unit) => {
      const held = await this.packets.lock(unit, packetId);
      // What was found is the content of this round: it may be over, and another begun, by the time of the lock.
      if (held?.state !== 'open' || held.round !== packet.round) return;
      await this.packets.receive(unit, held, policy, deliverBy, sources, waits);
      this.timeline.add(unit, packetId, [{ event: 'packet.received' }]);
      if (!waits) unit.enqueue(task('analyse-packet', packetId), packet.priority);
    });
    const { state } = await this.packets.own(systemId, packetId);
    return { packetId, state };
  }

  /** @throws content_incomplete naming the parts that are missing or different */
  private async mustBeThere(packet: PacketRow, { multipart = [] }: CompleteRequest): Promise<void> {
    const parts = await this.packets.parts(packet.id);
    const findings = await Promise.all(
      parts.map(async (part) => ({ part: part.name, found: await this.look(packet, part, multipart) })),
    );
    const wrong = findings.filter(({ found }) => found !== 'whole').map(({ part, found }) => ({ part, reason: found }));
    if (wrong.length > 0)
      throw new LienThongError(
        'content_incomplete',
        { parts: wrong.map(({ part, reason }) => `${part} (${reason})`).join(', ') },
        { parts: wrong },
      );
  }

  private async look(
    packet: PacketRow,
    part: PartRow,
    uploaded: { part: string; etags: string[] }[],
  ): Promise<Finding> {
    const stored = storedPartOf(part);
    if (packet.protocol !== 'multipart') return this.storage.inspect(stored);
    const etags = uploaded.find(({ part: name }) => name === part.name)?.etags;
    if (!etags || !part.uploadId) return 'missing';
    return this.storage.completeMultipart(stored, part.uploadId, etags);
  }
}
