import type { SignatureAlgorithm } from '../algorithms';

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
}
export interface SystemChange {
  name?: string;
  receives?: string[];
  default?: boolean;
  suspended?: boolean;
}
export interface System {
  id: string;
  agencyCode: string;
  name: string;
  receives: string[];
  default: boolean;
  suspendedAt: string | null;
  createdAt: string;
}

export interface NewKey {
  algorithms: SignatureAlgorithm[];
  publicKeyPem?: string;
  bearer?: boolean;
  expiresAt?: string;
}
export interface IssuedKey {
  accessKey: string;
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
  lastUsedAt: string | null;
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

export interface DirectoryEntry {
  kind: 'agency' | 'system';
  address: string;
  name: string;
  agencyCode: string;
  parentCode?: string | null;
  aliases?: string[];
  receives?: string[];
  default?: boolean;
  successorCode?: string | null;
  dissolved?: boolean;
  suspended?: boolean;
  online?: boolean;
  systems?: DirectoryEntry[];
}

export interface QueueDepth {
  queue: string;
  ready: number;
  oldestSeconds: number | null;
  perMinute: number;
}
export interface DestinationDepth {
  systemId: string;
  waiting: number;
  oldestSeconds: number;
  acceptedPerMinute: number;
  online: boolean;
}
export interface QueuesAnswer {
  queues: QueueDepth[];
  destinations: DestinationDepth[];
}
