import type { DeliveryHistory, Remedy } from '../reasons';
import type { DeliveryState, PacketState, Priority } from '../states';

export const TRANSFER_PROTOCOLS = ['put', 'multipart', 'inline'] as const;
export type TransferProtocol = (typeof TRANSFER_PROTOCOLS)[number];

/** One file of a packet as its source declares it. `size` in bytes; `sha256` standard base64 with padding. */
export interface Part {
  name: string;
  mediaType: string;
  size: number;
  sha256: string;
}

/** With `inline`, `content` (base64) comes along; size and digest may then be left out and are computed. */
export interface DeclaredPart extends Omit<Part, 'size' | 'sha256'> {
  size?: number;
  sha256?: string;
  content?: string;
}

/** What the source sets for the delivery (chính sách liên thông). Times RFC 3339. */
export interface Policy {
  deliverAfter?: string;
  deliverBy?: string;
  keepAfterConfirmSeconds?: number;
  warnAt?: number[];
  convertTo?: string;
  allowPartial?: boolean;
}

/**
 * Where each value of a packet's policy came from, by its name: `packet` (its request), `completion`, `extension`, `resend`, what an administrator set for the
 * source (`system:H01.14/qlvb`) or the data type (`dataType:edxml.document`), or `platform`.
 */
export type PolicySources = Record<string, string>;

/** What an administrator sets for the packets of a data type, where their sources say nothing; and how late a deadline may be. */
export interface PolicyRules {
  /** From the completion on. */
  deliverBySeconds?: number;
  deliverBySecondsMax?: number;
  keepAfterConfirmSeconds?: number;
  warnAt?: number[];
  allowPartial?: boolean;
}
/** The same for the packets of a system. */
export interface SystemPolicyRules extends PolicyRules {
  /** How many packets above `normal` it may open in a window of the quota; more are taken as `normal`. */
  urgentQuota?: number;
}
export interface PolicyRulesView {
  /** `system:H01.14/qlvb` or `dataType:edxml.document` */
  scope: string;
  rules: SystemPolicyRules;
  /** Null while nothing was ever set. */
  changedAt: string | null;
}

export interface SendRequest {
  to: string[];
  title: string;
  priority?: Priority;
  dataType: string;
  protocol?: TransferProtocol;
  parts: DeclaredPart[];
  inReplyTo?: string | null;
  policy?: Policy;
}

/** Why a code was routed to the system that it was routed to (protocol 2). */
export const ROUTES = ['system', 'dataType', 'default', 'successor'] as const;
export type Route = (typeof ROUTES)[number];

/** Why a recipient is refused, told before any upload. */
export const REFUSALS = [
  'unknown_recipient',
  'agency_dissolved',
  'system_suspended',
  'no_system',
  'data_type_not_received',
  'not_granted',
  'duplicate_recipient',
] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface Recipient {
  address: string;
  systemId: string | null;
  allowed: boolean;
  reason?: Refusal;
  routedBy: Route | null;
}

export interface PutUpload {
  part: string;
  method: 'PUT';
  url: string;
  headers: Record<string, string>;
}
export interface MultipartUpload {
  part: string;
  partSize: number;
  urls: { partNumber: number; url: string; headers: Record<string, string> }[];
}
export interface UploadSpace {
  expiresAt: string;
  uploads: (PutUpload | MultipartUpload)[];
}

export interface SendAnswer {
  packetId: string;
  state: PacketState;
  recipients: Recipient[];
  /** The importance in force. */
  priority?: Priority;
  /** What was asked for, where the source's quota of urgent packets was used up. */
  askedPriority?: Priority;
  space?: UploadSpace;
}

export interface CompleteRequest {
  policy?: Policy;
  multipart?: { part: string; etags: string[] }[];
}
export interface CompleteAnswer {
  packetId: string;
  state: PacketState;
}

/** The same words in both languages, for who shows them to a person. */
export interface Sentence {
  vi: string;
  en: string;
}

export interface TimelineEntry {
  at: string;
  event: string;
  delivery?: string;
  detail?: Record<string, unknown>;
  /** For a clerk; its times are those of Vietnam (UTC+7). */
  sentence: Sentence;
}

/** Why a packet needs a hand. */
export const STUCK_REASONS = [
  'not_uploaded',
  'not_analysed',
  'given_up',
  'not_announced',
  'not_fetched',
  'not_confirmed',
  'not_purged',
] as const;
export type StuckReason = (typeof STUCK_REASONS)[number];

/** Item of `GET /v1/packets/stuck`: a packet of the caller that does not move by itself, or not in time. */
export interface StuckPacket {
  packetId: string;
  title: string;
  state: PacketState;
  priority: Priority;
  reason: StuckReason;
  /** Of the destination that it hangs on. */
  delivery?: { deliveryId: string; address: string; systemId: string; state: DeliveryState; online: boolean };
  since: string;
  /** When it ends by itself: the space expires, or the delivery is given up. */
  endsAt: string | null;
  sentence: Sentence;
}

export interface PacketDelivery {
  deliveryId: string;
  address: string;
  systemId: string;
  routedBy: Route;
  state: DeliveryState;
  /** The round of the packet that it belongs to. */
  round: number;
  attempt: number;
  reasonCode?: string;
  reason?: string;
  /** E-mails to the contact person of the destination, of this attempt. */
  reminders: number;
  /** When its contact person is reminded next, if it is not fetched until then. */
  nextReminderAt?: string;
  /** What the source can do with it now; none of it is for a destination. */
  canDo: Remedy[];
  /** Of one that was given up: what was tried. */
  history?: DeliveryHistory;
  /** A confirmation that came when it had been given up or taken back: the destination may have the content nevertheless. */
  lateConfirmedAt?: string;
  statuses: { code: string; description?: string; at: string }[];
}

export interface PacketView {
  packetId: string;
  /** 1, and one more each time that it was sent again; state and times are those of this round. */
  round: number;
  /** The earlier ones, as they ended. */
  rounds: PacketRound[];
  state: PacketState;
  from: string;
  title: string;
  priority: Priority;
  dataType: string;
  protocol: TransferProtocol;
  inReplyTo: string | null;
  parts: Part[];
  /** The importance that was asked for, where the source's quota gave it less. */
  askedPriority?: Priority;
  policy: Policy;
  policySources: PolicySources;
  /** Those of the newest round last. */
  recipients: PacketDelivery[];
  createdAt: string;
  receivedAt: string | null;
  finishedAt: string | null;
  purgedAt: string | null;
  timeline: TimelineEntry[];
}

export type PacketSummary = Omit<
  PacketView,
  'timeline' | 'recipients' | 'parts' | 'policy' | 'policySources' | 'askedPriority' | 'round' | 'rounds'
> & {
  to: string[];
};

export interface ExtendRequest {
  deliverBy: string;
}
export interface ExtendAnswer {
  packetId: string;
  deliverBy: string;
  deliveries: { deliveryId: string; systemId: string }[];
}

export interface ResendRequest {
  /** Addresses as they were sent to; all to which it was not delivered by default. */
  to?: string[];
  deliverBy?: string;
}
export interface ResendAnswer {
  packetId: string;
  state: PacketState;
  round: number;
  recipients: Recipient[];
  /** Where the content is deleted: the same parts are uploaded here, then the packet is completed as at first. */
  space?: UploadSpace;
}

/** How an earlier round of a packet ended. */
export interface PacketRound {
  round: number;
  state: PacketState;
  receivedAt: string | null;
  deliverBy: string | null;
  finishedAt: string;
  purgedAt: string | null;
}

export interface RecallAnswer {
  packetId: string;
  state: PacketState;
  deliveries: {
    deliveryId: string;
    systemId: string;
    outcome: 'recalled' | 'recallRequested' | 'alreadyFinal';
    fetchedAt?: string;
  }[];
}

export interface StatusReport {
  code: string;
  description?: string;
  at?: string;
}
export interface StatusAnswer {
  packetId: string;
  code: string;
  at: string;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}
