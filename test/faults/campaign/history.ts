import type { PacketState } from '@lienthong/contracts';

/** What the clients of a campaign saw, and nothing that only the platform knows. */
export interface History {
  /** By idempotency key: said before the request goes out; `packetId` once any answer told it. */
  asked: Map<string, { source: string; to: string[]; sha256: string; packetId?: string; answered: boolean }>;
  /** Digest that a destination computed of what it fetched. */
  fetched: { packetId: string; destination: string; sha256: string }[];
  /** Every answer to a confirmation. */
  confirmed: { packetId: string; destination: string; receipt: string }[];
  /** Every event as it came, repetitions too. */
  events: { system: string; offset: string; id: string; type: string; packetId?: string }[];
  /** What was asked once more in the end, with the same key. */
  repeated: { key: string; packetId: string }[];
  /** The packets as their sources see them when all is over. */
  final: Map<string, FinalPacket>;
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
  confirmed: [],
  events: [],
  repeated: [],
  final: new Map(),
  contentLeft: [],
});
