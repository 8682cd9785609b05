import type { Outcome, PacketState, RecallAnswer } from '@lienthong/contracts';

/** A packet that a source meant to send. */
export interface Asked {
  source: string;
  to: string[];
  sha256: string;
  /** Once any answer told it. */
  packetId?: string;
  /** Its completion was acknowledged. */
  answered: boolean;
  /** A deadline of seconds: who is not served until then is given up. */
  deliverBy?: string;
  /** Its source takes it back, or has tried to. */
  recalled?: boolean;
}

/** What the clients of a campaign saw, and nothing that only the platform knows. */
export interface History {
  /** By idempotency key: said before the request goes out. */
  asked: Map<string, Asked>;
  /** Digest that a destination computed of what it fetched. */
  fetched: { packetId: string; destination: string; sha256: string }[];
  /** Every confirmation that a destination was about to ask for; it may be on record without any answer. */
  said: { packetId: string; destination: string; outcome: Outcome }[];
  /** Every answer to a confirmation. */
  confirmed: { packetId: string; destination: string; outcome: Outcome; receipt: string }[];
  /** Every answer to a recall. */
  recalls: RecallAnswer[];
  /** Every event as it came, repetitions too; `of` is the destination that it tells of. */
  events: {
    system: string;
    offset: string;
    id: string;
    type: string;
    at: string;
    packetId?: string;
    of?: string;
  }[];
  /** What was asked once more in the end, with the same key. */
  repeated: { key: string; packetId: string }[];
  /** The packets as their sources see them when all is over. */
  final: Map<string, FinalPacket>;
  /** Looks at the store while the campaign ran: content of packets that were not over, and of packets that were purged. */
  looks: { live: number; purged: number };
  /** What such a look found wrong. */
  misplaced: string[];
  /** Packets that still have content where content lies, looked at when all is over. */
  contentLeft: string[];
}

export interface FinalPacket {
  state: PacketState;
  purged: boolean;
  recipients: { systemId: string; state: string }[];
  /** Problems that the verification of its receipts found. */
  problems: string[];
}

export const newHistory = (): History => ({
  asked: new Map(),
  fetched: [],
  said: [],
  confirmed: [],
  recalls: [],
  events: [],
  repeated: [],
  final: new Map(),
  looks: { live: 0, purged: 0 },
  misplaced: [],
  contentLeft: [],
});

/** @returns how many recipients of acknowledged packets came to which end */
export function outcomesOf({ asked, final }: History): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { packetId, answered, to } of asked.values()) {
    const packet = answered && packetId ? final.get(packetId) : undefined;
    for (const systemId of packet ? to : []) {
      const state = packet?.recipients.find((one) => one.systemId === systemId)?.state ?? packet!.state;
      counts[state] = (counts[state] ?? 0) + 1;
    }
  }
  return counts;
}
