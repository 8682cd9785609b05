import type { SignatureAlgorithm } from '../algorithms';
import type { TaskKind } from '../tasks';

export interface Contact {
  name?: string;
  email?: string;
  phone?: string;
}

export interface NewAgency {
  code: string;
  name: string;
  parentCode?: string;
  aliases?: string[];
  contact?: Contact;
}
/** `successorCode` with `dissolved` tells where packets go after a rename or merge (BG Art. 6.2). */
export interface AgencyChange {
  name?: string;
  parentCode?: string | null;
  aliases?: string[];
  contact?: Contact;
  successorCode?: string | null;
  dissolved?: boolean;
}
export interface Agency {
  code: string;
  name: string;
  parentCode: string | null;
  aliases: string[];
  contact: Contact | null;
  successorCode: string | null;
  dissolvedAt: string | null;
  createdAt: string;
}

export interface NewSystem {
  id: string;
  name: string;
  receives: string[];
  default?: boolean;
  contact?: Contact;
}
export interface SystemChange {
  name?: string;
  receives?: string[];
  default?: boolean;
  suspended?: boolean;
  /** Takes the place of the former; an empty one is its agency's again. */
  contact?: Contact;
}
export interface System {
  id: string;
  agencyCode: string;
  name: string;
  receives: string[];
  default: boolean;
  /** Null: its agency's. */
  contact: Contact | null;
  suspendedAt: string | null;
  createdAt: string;
}

export interface NewKey {
  algorithms: SignatureAlgorithm[];
  publicKeyPem?: string;
  bearer?: boolean;
  expiresAt?: string;
  /** With hmac-sha1, which is a legacy: until when it is taken. */
  legacyUntil?: string;
}
/** Item of the report on hmac-sha1: who still uses it. */
export interface LegacyKey {
  accessKey: string;
  systemId: string;
  legacyUntil: string;
  expiresAt: string | null;
  revokedAt: string | null;
  lastUsedAt: string | null;
  uses30Days: number;
  usesInAll: number;
}
export interface IssuedKey {
  accessKey: string;
  /** With HMAC: shown this once. The key is the UTF-8 bytes of this text. */
  secretKey?: string;
  systemId: string;
  algorithms: SignatureAlgorithm[];
  expiresAt: string | null;
}
export interface KeyView {
  accessKey: string;
  systemId: string;
  algorithms: SignatureAlgorithm[];
  bearer: boolean;
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
  /** To the minute. */
  lastUsedAt: string | null;
  /** The key that was issued in its place; both hold until this one expires. */
  replacedBy: string | null;
}
/** Days before the end of a key at which its system gets `key.expiring`. */
export const KEY_WARNING_DAYS: number[] = [30, 7, 1];

/** Puts a new key of the same kind in place of one, which goes on for `overlapSeconds`. */
export interface KeyRotation {
  overlapSeconds?: number;
  publicKeyPem?: string;
  expiresAt?: string;
}
export interface RotatedKey extends IssuedKey {
  replaces: { accessKey: string; expiresAt: string };
}
/** A key by which the platform signs receipts, checkpoints of the audit log and tokens. */
export interface PlatformKeyView {
  kid: string;
  alg: string;
  /** `published`: signs later. `destroyed`: the private half is no more; what it signed verifies for ever. */
  state: 'published' | 'signing' | 'retired' | 'destroyed';
  createdAt: string;
  signsFrom: string;
  retiredAt: string | null;
}

export interface PlatformKeyRotation {
  /** Sign with the new key at once, not after the time for which others may keep the key set: when the old one may be known to others. */
  immediately?: boolean;
}

/** Under how many secrets another master key was exchanged for the one that seals now. */
export interface Rewrap {
  rewrapped: number;
}

/** A task that is not tried again by itself: it failed too often, or for a reason that time does not mend. */
export interface DeadTask {
  taskId: string;
  kind: TaskKind;
  packetId: string;
  attempt: number;
  reason: string;
  at: string;
}
/** Which dead tasks are to be tried again: those named, or all that fit the filter. */
export interface Replay {
  taskIds?: string[];
  kind?: TaskKind;
  packetId?: string;
  /** Died before this moment. */
  until?: string;
}
export interface Replayed {
  replayed: number;
}

/** One stream of a system, open or closed: the history of connecting and disconnecting (Q13, Q14). */
export interface ConnectionView {
  connectionId: string;
  systemId: string;
  /** Instance of the notifier that served it. */
  instance: string;
  /** Where it came from, as the platform saw it. */
  address: string | null;
  openedAt: string;
  /** Null while it is open. */
  closedAt: string | null;
  seconds: number;
}

export interface NewGrant {
  from: string;
  to: string;
  dataTypes: string[];
}
export interface Grant extends NewGrant {
  grantId: string;
  createdAt: string;
}

/** An agency or a system; which optional fields there are depends on `kind`. */
export interface DirectoryEntry {
  kind: 'agency' | 'system';
  /** What a packet is addressed to. */
  address: string;
  name: string;
  agencyCode: string;
  parentCode?: string | null;
  aliases?: string[];
  /** Of a system: data types. */
  receives?: string[];
  default?: boolean;
  successorCode?: string | null;
  dissolved?: boolean;
  suspended?: boolean;
  /** A stream is open, or it polled or answered its webhook within 3 minutes. */
  online?: boolean;
  /** Of a system, when it or its agency is read by its address: polls and answered webhooks of the last 30 days. */
  contacts?: { polls: number; webhooks: number };
  /** Of an agency, when it is read by its address. */
  systems?: DirectoryEntry[];
}

export interface QueueDepth {
  /**
   * Work queue of the broker, `outbox.<kind>.<priority>`, `turns.analyse-packet.<priority>` (packets that wait for a turn of their source), or
   * `dead-tasks`: what is not tried again by itself.
   */
  queue: string;
  /** Tasks that nobody has taken yet. */
  ready: number;
  /** Age of the oldest of them, where the broker tells. */
  oldestSeconds: number | null;
  /** Packets that this kind of task at this priority was done for in the last 60 s, counted by their events; 0 for dead letters, the outbox and the turns. */
  perMinute: number;
}
export interface DestinationDepth {
  systemId: string;
  /** Deliveries that are due and not final. */
  waiting: number;
  /** How long the oldest has waited; 0 when none waits. */
  oldestSeconds: number;
  /** In the last 60 s. */
  acceptedPerMinute: number;
  online: boolean;
}
export interface QueuesAnswer {
  queues: QueueDepth[];
  destinations: DestinationDepth[];
}
