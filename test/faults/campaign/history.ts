import type { DeliveryState, Outcome, PacketState, RecallAnswer } from '@lienthong/contracts';

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
  /** The rounds after the first that its source meant to begin, said before it asks; `begun` once it knows that their content is there. */
  again?: { to: string[]; begun?: boolean }[];
}

/** What a destination was about to say of a delivery. */
export interface Said {
  packetId: string;
  deliveryId: string;
  attempt: number;
  destination: string;
  outcome: Outcome;
  /** It is to come again. */
  retryable: boolean;
}

/** What the clients of a campaign saw, and nothing that only the platform knows. */
export interface History {
  /** By idempotency key: said before the request goes out. */
  asked: Map<string, Asked>;
  /** Digest that a destination computed of what it fetched. */
  fetched: { packetId: string; destination: string; sha256: string }[];
  /** Every confirmation that a destination was about to ask for; it may be on record without any answer. */
  said: Said[];
  /** Every answer to a confirmation. */
  confirmed: (Said & { state: DeliveryState; receipt: string })[];
  /** Every answer to a recall. */
  recalls: RecallAnswer[];
  /** Every answer to a request to send again, and which round was meant. */
  resent: { packetId: string; meant: number; round: number }[];
  /** Every event as it came, repetitions too; `of` is the delivery that it tells of, `again` that it is to come once more. */
  events: {
    system: string;
    offset: string;
    id: string;
    type: string;
    at: string;
    packetId?: string;
    of?: string;
    again?: boolean;
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
  round: number;
  /** How often it was completed, and how often purged. */
  ends: { completed: number; purged: number };
  recipients: { deliveryId: string; systemId: string; round: number; attempt: number; state: string }[];
  /** Problems that the verification of its receipts found. */
  problems: string[];
}

export const newHistory = (): History => ({
  asked: new Map(),
  fetched: [],
  said: [],
  confirmed: [],
  recalls: [],
  resent: [],
  events: [],
  repeated: [],
  final: new Map(),
  looks: { live: 0, purged: 0 },
  misplaced: [],
  contentLeft: [],
});

/** @returns how many deliveries of acknowledged packets came to which end, in all rounds */
export function outcomesOf({ asked, final }: History): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { packetId, answered } of asked.values())
    for (const { state } of (answered && final.get(packetId ?? '')?.recipients) || [])
      counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

/** @returns how many packets were sent again, how many rounds that was, and how many deliveries came again after a rejection */
export function repetitionsOf({ asked, final }: History): { packets: number; rounds: number; attempts: number } {
  const again = [...asked.values()].flatMap(({ again: rounds = [] }) => (rounds.length > 0 ? [rounds.length] : []));
  const attempts = [...final.values()].flatMap(({ recipients }) => recipients.filter(({ attempt }) => attempt > 1));
  return { packets: again.length, rounds: again.reduce((sum, one) => sum + one, 0), attempts: attempts.length };
}
