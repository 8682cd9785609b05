import type { PacketView, WaitingDelivery } from '@lienthong/contracts';
import type { Party } from '../../../support/platform';
import type { Asked, History } from '../history';
import { type Answer, answerOf, choices } from './choices';

/** Rounds after the first: the recipient turns the first of them down, and takes the second. */
const MOST = 2;
/** Packets that are looked after at once, the longest without it first. */
const AT_ONCE = 8;

/**
 * Sends again what the recipient that never comes did not get. It comes for a round that its source knows to have begun: a request that is made once more
 * because its answer was lost would begin another round, were the first already over.
 */
export class SentAgain {
  private readonly waiting: [key: string, Asked][] = [];

  constructor(
    private readonly history: History,
    private readonly nobody: Party,
    private readonly clientOf: (systemId: string) => Party['client'],
    private readonly note: (error: unknown) => void,
  ) {}

  /** What is to be sent again once it is given up. */
  add(key: string, asked: Asked): void {
    const isKnown = this.waiting.some(([other]) => other === key);
    if (asked.to.includes(this.nobody.systemId) && choices.isSentAgain(key) && !isKnown)
      this.waiting.push([key, asked]);
  }

  /** @returns undefined for what the recipient does not come for */
  answerOf({ packetId, attempt }: WaitingDelivery): Answer | undefined {
    const again = [...this.history.asked.values()].find((asked) => asked.packetId === packetId)?.again ?? [];
    if (!again.at(-1)?.begun) return undefined;
    const answer = answerOf(packetId, this.nobody.systemId, attempt);
    if (answer.retryable) return answer;
    const isTurnedDown = again.length < MOST && choices.isTurnedDown(packetId);
    return isTurnedDown ? { outcome: 'rejected', reasonCode: 'other' } : { outcome: 'accepted' };
  }

  /** @returns how many have not come to their end */
  async once(): Promise<number> {
    const now = new Date().toISOString();
    const due = this.waiting.filter(([, { deliverBy = '' }]) => deliverBy < now).slice(0, AT_ONCE);
    for (const one of due) this.waiting.splice(this.waiting.indexOf(one), 1);
    const looks = due.map(async (one) => {
      const isOver = await this.lookAfter(...one).catch((error: unknown) => this.note(error));
      if (!isOver) this.waiting.push(one);
    });
    await Promise.all(looks);
    return this.waiting.length;
  }

  /** @returns whether the recipient has it */
  private async lookAfter(key: string, asked: Asked): Promise<boolean> {
    const { packets } = this.clientOf(asked.source);
    const view = await packets.get(asked.packetId!);
    asked.again ??= [];
    if (this.ended(view) === 'accepted') return true;
    if (this.ended(view) && view.round === 1 + asked.again.length && asked.again.length < MOST)
      asked.again.push({ to: [this.nobody.systemId] });
    const round = asked.again.at(-1);
    if (round && !round.begun) await this.send(key, asked);
    return false;
  }

  /** How the newest delivery to the recipient ended, when the packet has ended. */
  private ended({ state, recipients }: PacketView): string | undefined {
    const newest = recipients.filter(({ systemId }) => systemId === this.nobody.systemId).at(-1);
    return state === 'completed' ? newest?.state : undefined;
  }

  /** Said twice: of the one round. Its content goes up again where the platform has it no more. */
  private async send(key: string, { source, packetId = '', again = [] }: Asked): Promise<void> {
    const round = again.at(-1)!;
    for (let times = 0; times < 2; times++) {
      const file = { name: 'phieu.bin', buffer: choices.bytesOf(key) };
      const answer = await this.clientOf(source).resendFiles(packetId, { to: round.to }, [file]);
      this.history.resent.push({ packetId, meant: 1 + again.length, round: answer.round });
    }
    round.begun = true;
  }
}
