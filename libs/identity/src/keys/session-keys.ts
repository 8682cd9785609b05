import { deriveKey } from '@lienthong/persistence';
import { createHmac } from 'node:crypto';

/** Keys of sessions are computed, not stored: every process that knows the platform secret verifies a session by itself, and the database holds nothing to steal. */
export class SessionKeys {
  private readonly key: Buffer;

  constructor(platformSecret: string) {
    this.key = deriveKey(platformSecret, 'session');
  }

  /** @returns the session's secret, base64url of 32 bytes; its text is the HMAC secret (protocol 4) */
  of(sessionId: string): string {
    return createHmac('sha256', this.key).update(sessionId).digest('base64url');
  }
}
