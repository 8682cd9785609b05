import {
  type DeliveryState,
  type PacketState,
  type Policy,
  type PolicySources,
  PRIORITIES,
  type Priority,
  type Route,
  type TransferProtocol,
} from '@lienthong/contracts';

export interface PlannedRecipient {
  address: string;
  systemId: string;
  routedBy: Route;
}

/** The policy in force; what it says of a deadline that nobody has set is a time from the completion on. */
export type StoredPolicy = Policy & { deliverBySeconds?: number; deliverBySecondsMax?: number };

export interface PacketRow {
  id: string;
  source: string;
  state: PacketState;
  title: string;
  priority: Priority;
  dataType: string;
  protocol: TransferProtocol;
  inReplyTo: string | null;
  policy: StoredPolicy;
  policySources: PolicySources;
  /** What the source asked for, where its quota gave it less. */
  askedPriority: Priority | null;
  recipients: PlannedRecipient[];
  /** 1, and one more each time it is sent again. */
  round: number;
  /** Whom this round is for, where it is not for all. */
  resendTo: PlannedRecipient[] | null;
  idempotencyKey: string | null;
  requestDigest: Buffer | null;
  createdAt: Date;
  spaceExpiresAt: Date;
  receivedAt: Date | null;
  analysedAt: Date | null;
  deliverBy: Date | null;
  finishedAt: Date | null;
  purgeAfter: Date | null;
  purgedAt: Date | null;
  receiptHash: string | null;
  /** The database's time at which it was read. */
  asOf: Date;
  /** `performance.now()` of this process then. */
  readAt: number;
}

/**
 * The database's time now, carried on since the packet was read by a clock that no step moves. What is due, expired or signed is judged by it: the
 * wall clock of a process may be wrong by an hour, and the processes of a platform must agree.
 */
export const nowBy = ({ asOf, readAt }: Pick<PacketRow, 'asOf' | 'readAt'>): Date =>
  new Date(asOf.getTime() + performance.now() - readAt);

export interface PartRow {
  ordinal: number;
  name: string;
  mediaType: string;
  size: number;
  sha256: string;
  objectKey: string;
  uploadId: string | null;
}

export interface WholePacket {
  packet: PacketRow;
  parts: PartRow[];
  deliveries: { deliveryId: string; systemId: string }[];
}

export interface NewPacket extends Pick<
  PacketRow,
  'id' | 'source' | 'title' | 'priority' | 'dataType' | 'protocol' | 'inReplyTo' | 'policy' | 'recipients'
> {
  idempotencyKey: string | null;
  requestDigest: Buffer | null;
  policySources?: PolicySources;
  /** Packets of the classes above normal that the source may open in a window; none beyond that is urgent. Without one there is no bound. */
  urgentQuota?: { packets: number; windowSeconds: number };
  spaceSeconds: number;
  parts: Omit<PartRow, 'uploadId'>[];
}

export const PACKET = `id, source, state, title, priority, data_type AS "dataType", protocol, in_reply_to AS "inReplyTo", policy, policy_sources AS "policySources",
  asked_priority AS "askedPriority", recipients, round, resend_to AS "resendTo",
  idempotency_key AS "idempotencyKey", request_digest AS "requestDigest", created_at AS "createdAt",
  space_expires_at AS "spaceExpiresAt", received_at AS "receivedAt", analysed_at AS "analysedAt", deliver_by AS "deliverBy",
  finished_at AS "finishedAt", purge_after AS "purgeAfter", purged_at AS "purgedAt", receipt_hash AS "receiptHash",
  clock_timestamp() AS "asOf"`;

export const PARTS = `(SELECT coalesce(jsonb_agg(jsonb_build_object('ordinal', ordinal, 'name', name, 'mediaType', media_type, 'size', size,
  'sha256', sha256, 'objectKey', object_key, 'uploadId', upload_id) ORDER BY ordinal), '[]') FROM parts WHERE packet_id = packets.id)`;

export type StoredPacket = Omit<PacketRow, 'priority' | 'askedPriority' | 'readAt'> & {
  priority: number;
  askedPriority: number | null;
};
export const packetOf = (row: StoredPacket): PacketRow => ({
  ...row,
  priority: PRIORITIES[row.priority],
  askedPriority: row.askedPriority === null ? null : PRIORITIES[row.askedPriority],
  readAt: performance.now(),
});

export interface DeliveryRow {
  id: string;
  packetId: string;
  systemId: string;
  address: string;
  routedBy: Route;
  state: DeliveryState;
  priority: Priority;
  attempt: number;
  round: number;
  announced: number;
  availableAt: Date;
  deliverBy: Date;
  /** The next warning; null when none is left. */
  warnAt: Date | null;
  createdAt: Date;
  finishedAt: Date | null;
  reasonCode: string | null;
  reason: string | null;
  confirmation: { request: unknown; receipt: string } | null;
}

export interface HeldDelivery extends DeliveryRow {
  /** No other delivery of the packet is live. */
  isLastLive: boolean;
}

/** As it was read, not held. */
export interface ReadDelivery {
  packet: PacketRow;
  parts: PartRow[];
  delivery: Pick<DeliveryRow, 'id' | 'state' | 'attempt'>;
}

export const DELIVERY = `id, packet_id AS "packetId", system_id AS "systemId", address, routed_by AS "routedBy", state, priority, attempt, round, announced,
  available_at AS "availableAt", deliver_by AS "deliverBy", warn_at AS "warnAt", created_at AS "createdAt", finished_at AS "finishedAt", reason_code AS "reasonCode", reason, confirmation`;

export const LIVE = `('pending', 'notified', 'ready')`;

export type StoredDelivery = Omit<DeliveryRow, 'priority'> & { priority: number };
export const deliveryOf = (row: StoredDelivery): DeliveryRow => ({ ...row, priority: PRIORITIES[row.priority] });
