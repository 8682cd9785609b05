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
  attempt: number;
  reasonCode?: string;
  reason?: string;
  statuses: { code: string; description?: string; at: string }[];
}

export interface PacketView {
  packetId: string;
  state: PacketState;
  from: string;
  title: string;
  priority: Priority;
  dataType: string;
  protocol: TransferProtocol;
  inReplyTo: string | null;
  parts: Part[];
  policy: Policy;
  recipients: PacketDelivery[];
  createdAt: string;
  receivedAt: string | null;
  finishedAt: string | null;
  purgedAt: string | null;
  timeline: TimelineEntry[];
}

export type PacketSummary = Omit<PacketView, 'timeline' | 'recipients' | 'parts' | 'policy'> & {
  to: string[];
};

export interface RecallAnswer {
  packetId: string;
  state: PacketState;
  deliveries: { deliveryId: string; systemId: string; outcome: 'recalled' | 'recallRequested' | 'alreadyFinal' }[];
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
