import type { SessionAnswer } from '@lienthong/contracts';
import type { SigningKey } from '@lienthong/signing';

/** Renewed when a tenth of its life is left, and at the latest a minute before the end for the usual hour. */
const RENEW_AT = 0.9;

/**
 * Holds the one session of a client: opened when first needed, opened anew before it expires or when the platform no longer knows it.
 * Callers that ask at the same time share one opening. Lifetime is measured on this machine's monotonic clock from the server's own times,
 * so that a wrong wall clock does not matter.
 */
export class SessionKeeper {
  private opening: Promise<SessionAnswer> | undefined;
  private session: SessionAnswer | undefined;
  private renewAt = 0;

  constructor(private readonly open: () => Promise<SessionAnswer>) {}

  async key(): Promise<SigningKey> {
    const { sessionId, sessionKey } = await this.current();
    return { keyId: sessionId, alg: 'hmac-sha256', secret: sessionKey };
  }

  current(): Promise<SessionAnswer> {
    if (this.session && performance.now() < this.renewAt) return Promise.resolve(this.session);
    return this.renew();
  }

  renew(): Promise<SessionAnswer> {
    this.opening ??= this.open()
      .then((session) => this.adopt(session))
      .finally(() => (this.opening = undefined));
    return this.opening;
  }

  adopt(session: SessionAnswer): SessionAnswer {
    const life = Date.parse(session.expiresAt) - Date.parse(session.serverTime);
    this.session = session;
    this.renewAt = performance.now() + life * RENEW_AT;
    return session;
  }

  /** The platform refused this session; the next request opens another, unless somebody did so already. */
  refuse(sessionId: string): void {
    if (this.session?.sessionId === sessionId) this.session = undefined;
  }

  /** Whether there is a session that may be used or closed. */
  get held(): boolean {
    return this.session !== undefined;
  }

  /** Waits until no opening is under way, so that none is left behind unclosed. */
  async idle(): Promise<void> {
    await this.opening?.catch(() => undefined);
  }

  forget(): void {
    this.session = undefined;
  }
}
