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

  constructor(
    private readonly keyRows: Pick<KeyStore, 'find'>,
    private readonly sessionRows: Pick<SessionStore, 'find'>,
  ) {
    const limits = { max: KEPT, ttl: BELIEVED_MS, ignoreFetchAbort: true };
    this.keys = new LRUCache({
      ...limits,
      fetchMethod: async (accessKey) => withPublicKey(await keyRows.find(accessKey)),
    });
    this.sessions = new LRUCache({ ...limits, fetchMethod: (sessionId) => sessionRows.find(sessionId) });
  }

  key(accessKey: string): Promise<RingKey | undefined> {
    return this.keys.fetch(accessKey);
  }

  session(sessionId: string): Promise<SessionRecord | undefined> {
    return this.sessions.fetch(sessionId);
  }

  /**
   * Whether the next answer about this key needs no query. A refusal then makes one, by {@link lookAgain}: else its quickness would tell a known key
   * from an unknown one, which is asked for each time (protocol 3).
   */
  knows(of: 'key' | 'session', id: string): boolean {
    return (of === 'key' ? this.keys : this.sessions).has(id);
  }

  /** The query of an unknown key or session, for its time alone. */
  async lookAgain(of: 'key' | 'session', id: string): Promise<void> {
    if (of === 'key') withPublicKey(await this.keyRows.find(id));
    else await this.sessionRows.find(id);
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
