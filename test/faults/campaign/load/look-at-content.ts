import type { LienThongClient } from '@lienthong/client';
import type { Asked, History } from '../history';

/** Questions to the platform in one look. */
const ASKED_AT_ONCE = 5;

/**
 * Looks into the store while faults strike (S6, S7, P7): the content of a packet that is not over is there, whatever was killed, and that of a packet which is
 * said to be purged is not. Not over is what its own clients have not ended: no recall was asked for, no deadline has passed, and one of its recipients has not
 * begun to confirm, or to reject for good. What is sent again is not over when it is known to have begun, until its new round is.
 */
export class LookAtContent {
  private readonly purged = new Set<string>();
  private seen = 0;

  /** @param kept packets that have content in the store, as the store says; throws while it cannot say */
  constructor(
    private readonly history: History,
    private readonly kept: () => Promise<string[]>,
    private readonly clientOf: (systemId: string) => LienThongClient,
  ) {}

  async once(): Promise<void> {
    await this.askWhatIsPurged();
    const live = this.live();
    const purged = [...this.purged];
    const found = await this.kept().catch(() => undefined);
    if (!found) return;
    const kept = new Set(found);
    const still = this.live();
    for (const packetId of live) {
      // What was ended while the store was looked at may be gone already.
      if (!still.has(packetId)) continue;
      this.history.looks.live += 1;
      if (!kept.has(packetId)) this.history.misplaced.push(`${packetId}: not over, and its content is gone`);
    }
    const sentAgain = new Set(
      [...this.history.asked.values()].flatMap(({ packetId, again }) => (again ? packetId : [])),
    );
    for (const packetId of purged) {
      // Its content may have gone up once more.
      if (sentAgain.has(packetId)) continue;
      this.history.looks.purged += 1;
      if (kept.has(packetId)) this.history.misplaced.push(`${packetId}: said to be purged, and its content is there`);
    }
    for (const packetId of purged) this.purged.delete(packetId);
  }

  private live(): Set<string> {
    const ended = new Map<string, Set<string>>();
    for (const { packetId, deliveryId, destination, retryable } of this.history.said) {
      if (retryable) continue;
      const name = `${packetId} ${destination}`;
      ended.set(name, (ended.get(name) ?? new Set<string>()).add(deliveryId));
    }
    const now = new Date().toISOString();
    const isLive = ({ answered, recalled, deliverBy, packetId, to, again = [] }: Asked) => {
      const round = again.at(-1);
      if (!answered || recalled || (round ? !round.begun : deliverBy && deliverBy < now)) return false;
      // Who is sent to again ends one delivery in each of these rounds.
      return (round?.to ?? to).some((one) => (ended.get(`${packetId} ${one}`)?.size ?? 0) < (again.length || 1));
    };
    return new Set([...this.history.asked.values()].filter(isLive).map(({ packetId }) => packetId!));
  }

  /** A few of those that were confirmed since the last look; who is not purged yet is passed over. */
  private async askWhatIsPurged(): Promise<void> {
    const sources = new Map([...this.history.asked.values()].map(({ packetId, source }) => [packetId, source]));
    const since = new Set(this.history.confirmed.slice(this.seen).map(({ packetId }) => packetId));
    this.seen = this.history.confirmed.length;
    for (const packetId of [...since].slice(0, ASKED_AT_ONCE)) {
      const source = sources.get(packetId);
      if (!source) continue;
      const { purgedAt } = await this.clientOf(source).packets.get(packetId);
      if (purgedAt) this.purged.add(packetId);
    }
  }
}
