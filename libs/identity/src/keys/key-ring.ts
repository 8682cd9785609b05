import type { KeyRecord, KeyStore, SessionRecord, SessionStore } from '@lienthong/persistence';
import { LRUCache } from 'lru-cache';
import { createPublicKey, type KeyObject } from 'node:crypto';

/** A revocation reaches every instance within 10 s: this long at most is an answer of the database believed. */
const BELIEVED_MS = 5000;
const KEPT = 20_000;

export interface RingKey extends KeyRecord {
  publicKey: KeyObject | null;
}

/** Keys and sessions as the database has them, at most 5 s old. What is unknown is asked for each time: a new key works at once. */
export class KeyRing {
  private readonly keys: LRUCache<string, RingKey>;
  private readonly sessions: LRUCache<string, SessionRecord>;

  constructor(keys: Pick<KeyStore, 'find'>, sessions: Pick<SessionStore, 'find'>) {
    const limits = { max: KEPT, ttl: BELIEVED_MS, ignoreFetchAbort: true };
    this.keys = new LRUCache({
      ...limits,
      fetchMethod: async (accessKey) => withPublicKey(await keys.find(accessKey)),
    });
    this.sessions = new LRUCache({ ...limits, fetchMethod: (sessionId) => sessions.find(sessionId) });
  }

  key(accessKey: string): Promise<RingKey | undefined> {
    return this.keys.fetch(accessKey);
  }

  session(sessionId: string): Promise<SessionRecord | undefined> {
    return this.sessions.fetch(sessionId);
  }

  /** After a change made by this instance: here it holds at once. */
  forget(): void {
    this.keys.clear();
    this.sessions.clear();
  }
}

/** Parsing a PEM costs as much as a verification; once per look-up is enough. */
const withPublicKey = (record: KeyRecord | undefined): RingKey | undefined =>
  record && { ...record, publicKey: record.publicKeyPem ? createPublicKey(record.publicKeyPem) : null };
