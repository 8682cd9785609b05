import type { AuditAction } from '@lienthong/contracts';
import { v7 as uuidv7 } from 'uuid';
import { currentActor } from './actor';

export interface NewAuditEntry {
  action: AuditAction;
  packetId?: string;
  deliveryId?: string;
  /** What it was done to, when that is no packet: a key, a system, an agency, a route. */
  subject?: string;
  /** No content, no secret, no words of persons: references and figures. */
  detail?: Record<string, unknown>;
}

export interface AuditRecord extends NewAuditEntry {
  id: string;
  actor: string;
  systemId: string | null;
}

/** Words that persons wrote, which an erasure duty may reach; they stand in the receipt and in the delivery. */
const WRITTEN_BY_PERSONS = ['reason', 'description'];

export function auditRecord({ detail = {}, ...entry }: NewAuditEntry): AuditRecord {
  const kept = Object.entries(detail).filter(([name]) => !WRITTEN_BY_PERSONS.includes(name));
  return {
    id: uuidv7(),
    ...currentActor(),
    ...entry,
    ...(kept.length > 0 ? { detail: Object.fromEntries(kept) } : {}),
  };
}

/** One entry or many from a JSON list, as a part of any statement: `$n` is its parameter. */
export const insertEntries = (parameter: string): string => `
  INSERT INTO audit_entries (id, actor, system_id, action, packet_id, delivery_id, subject, detail)
  SELECT id, actor, "systemId", action, "packetId", "deliveryId", subject, detail
  FROM jsonb_to_recordset(${parameter}) AS entry (id uuid, actor text, "systemId" text, action text, "packetId" uuid,
    "deliveryId" uuid, subject text, detail jsonb)`;
