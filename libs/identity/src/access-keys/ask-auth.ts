import { LienThongError } from '@lienthong/contracts';
import { TOKEN_HEADER, type InternalCalls } from './internal-call';

/** Where auth answers the other processes, on its internal port only. */
export const ACCESS_KEY_CHECKS = '/internal/access-key-checks';
export const DAY_KEYS = '/internal/day-keys';
export const WEBHOOK_SECRETS = '/internal/webhook-secrets';

const TIMEOUT_MS = 2000;

/** Asks auth's internal port. Several addresses: the one that answered last is asked first, the others when it does not. */
export class AskAuth {
  private first = 0;

  /** @param urls addresses of auth's internal port, without path */
  constructor(
    private readonly urls: readonly string[],
    private readonly calls: InternalCalls,
    private readonly send: typeof fetch = fetch,
  ) {
    if (urls.length === 0) throw new Error('No address of auth is known. Set AUTH_INTERNAL_URL.');
  }

  /**
   * @param read what the answer says; undefined when it is none
   * @throws LienThongError unavailable when nobody answers
   */
  async ask<T>(path: string, question: object, read: (answer: unknown) => T | undefined): Promise<T> {
    const body = JSON.stringify(question);
    // Once more with a single address too: a connection kept alive may have been closed by the other side.
    const attempts = Math.max(2, this.urls.length);
    for (let attempt = 0; attempt < attempts; attempt++) {
      const index = this.first % this.urls.length;
      const answer = await this.askOne(`${this.urls[index]}${path}`, body, read);
      if (answer !== undefined) return answer;
      if (this.first % this.urls.length === index) this.first = (index + 1) % this.urls.length;
    }
    throw new LienThongError('unavailable', { what: 'auth', retryAfter: 5 });
  }

  private async askOne<T>(url: string, body: string, read: (answer: unknown) => T | undefined): Promise<T | undefined> {
    try {
      const answer = await this.send(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', [TOKEN_HEADER]: this.calls.token(body) },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const content: unknown = await answer.json();
      return answer.ok ? read(content) : undefined;
    } catch {
      return undefined;
    }
  }
}
