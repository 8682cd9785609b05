import canonicalize from 'canonicalize';
import { createHash } from 'node:crypto';

/** What an entry of the audit log says. Every member is always there; `at` has microseconds, as the database does. */
export interface AuditEntry {
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

/** Version of the form below: it stands in the bytes, so that a later form is never mistaken for this one. */
const VERSION = 1;

/** @returns the bytes of an entry that are hashed: JSON in its one canonical form (RFC 8785), UTF-8. Exactly the members named here. */
export function canonicalEntry(entry: AuditEntry): Buffer {
  const { id, at, actor, systemId, action, packetId, deliveryId, subject, detail } = entry;
  const members = { v: VERSION, id, at, actor, systemId, action, packetId, deliveryId, subject, detail };
  return Buffer.from(canonicalize(members) as string);
}

/** Leaf of the tree (RFC 9162, 2.1.1): SHA-256 of 0x00 and the canonical bytes. */
export const leafHash = (bytes: Buffer): Buffer => createHash('sha256').update(LEAF).update(bytes).digest();

const LEAF = Buffer.from([0]);
