/** What the audit log records, and the only words for it. A packet's timeline is its entries of these actions. */
export const PACKET_ACTIONS = [
  'packet.open',
  'packet.downgraded',
  'packet.received',
  'packet.accepted',
  'packet.scheduled',
  'packet.refused',
  'packet.completed',
  'packet.expired',
  'packet.expiring',
  'packet.extended',
  'packet.resent',
  'packet.recalled',
  'packet.recallRequested',
  'packet.status',
  'packet.purgeBlocked',
  'packet.purged',
  'delivery.announced',
  'delivery.notified',
  'delivery.reminded',
  'delivery.notReminded',
  'delivery.webhookFailed',
  'delivery.ready',
  'delivery.accepted',
  'delivery.rejected',
  'delivery.undeliverable',
  'delivery.lateConfirmation',
  'delivery.mismatched',
  'delivery.recalled',
] as const;
export type PacketAction = (typeof PACKET_ACTIONS)[number];

/** What gave somebody content, evidence, a packet's data or the right to call a system; and what was refused. */
export const ACCESS_ACTIONS = [
  'packet.read',
  'receipts.read',
  'delivery.addressed',
  'audit.read',
  'access.granted',
  'access.checked',
  'access.refused',
] as const;

/** Sessions, and acts of administrators and of the platform itself. */
export const ADMINISTRATION_ACTIONS = [
  'session.opened',
  'session.closed',
  'token.issued',
  'agency.created',
  'agency.changed',
  'system.created',
  'system.changed',
  'policy.changed',
  'calendar.changed',
  'key.issued',
  'key.revoked',
  'key.rewrapped',
  'dayKeys.rewrapped',
  'webhook.set',
  'webhook.removed',
  'webhook.failing',
  'webhook.recovered',
  'webhook.off',
  'webhook.rewrapped',
  'grant.created',
  'grant.removed',
  'platformKey.rotated',
  'platformKey.destroyed',
  'task.replayed',
  'audit.forgotten',
] as const;

export const AUDIT_ACTIONS = [...PACKET_ACTIONS, ...ACCESS_ACTIONS, ...ADMINISTRATION_ACTIONS] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Item of `GET /v1/admin/audit`. `seq` is null until the entry is sealed. */
export interface AuditItem {
  seq: number | null;
  id: string;
  at: string;
  actor: string;
  systemId: string | null;
  action: string;
  packetId: string | null;
  deliveryId: string | null;
  subject: string | null;
  detail: Record<string, unknown> | null;
}

export interface AuditCheckpointItem {
  size: number;
  at: string;
  jws: string;
}
