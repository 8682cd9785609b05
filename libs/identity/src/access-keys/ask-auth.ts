import { LienThongError } from '@lienthong/contracts';
import { TOKEN_HEADER, type InternalCalls } from './internal-call';

/** Where auth answers the other processes, on its internal port only. */
export const ACCESS_KEY_CHECKS = '/internal/access-key-checks';
export const DAY_KEYS = '/internal/day-keys';
export const WEBHOOK_SECRETS = '/internal/webhook-secrets';

const TIMEOUT_MS = 2000;
/** So long one that did not answer is asked after the others: each question would wait for it again. */
const AVOIDED_MS = 10_000;

interface Instance {
  url: string;
  pending: number;
  failedAt: number;
}

/** Asks auth's internal port. Several addresses: the one with the fewest questions open is asked first, one that did not answer just now last. */
export class AskAuth {
  private readonly instances: Instance[];

  /** @param urls addresses of auth's internal port, without path */
  constructor(
    urls: readonly string[],
    private readonly calls: InternalCalls,
    private readonly send: typeof fetch = fetch,
  ) {
    if (urls.length === 0) throw new Error('No address of auth is known. Set AUTH_INTERNAL_URL.');
    this.instances = urls.map((url) => ({ url, pending: 0, failedAt: -Infinity }));
  }

  /**
   * @param read what the answer says; undefined when it is none
   * @throws LienThongError unavailable when nobody answers
   */
  async ask<T>(path: string, question: object, read: (answer: unknown) => T | undefined): Promise<T> {
    const body = JSON.stringify(question);
    const inTurn = this.inTurn();
    // Once more with a single address too: a connection kept alive may have been closed by the other side.
    const attempts = Math.max(2, inTurn.length);
    for (let attempt = 0; attempt < attempts; attempt++) {
      const answer = await this.askOne(inTurn[attempt % inTurn.length], path, body, read);
      if (answer !== undefined) return answer;
    }
    throw new LienThongError('unavailable', { what: 'auth', retryAfter: 5 });
  }

  private inTurn(): Instance[] {
    const now = performance.now();
    const rank = ({ pending, failedAt }: Instance) => (now - failedAt < AVOIDED_MS ? Number.MAX_SAFE_INTEGER : pending);
    return this.instances.toSorted((one, other) => rank(one) - rank(other));
  }

  private async askOne<T>(
    instance: Instance,
    path: string,
    body: string,
    read: (answer: unknown) => T | undefined,
  ): Promise<T | undefined> {
    instance.pending += 1;
    const answer = await this.sent(instance.url + path, body, read);
    instance.pending -= 1;
    instance.failedAt = answer === undefined ? performance.now() : -Infinity;
    return answer;
  }

  private async sent<T>(url: string, body: string, read: (answer: unknown) => T | undefined): Promise<T | undefined> {
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
