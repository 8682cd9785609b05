import { LienThongError, type SignatureAlgorithm } from '@lienthong/contracts';
import { AccessKeyVerifier } from './access-key-verifier';
import { ACCESS_KEY_CHECKS, TOKEN_HEADER, type InternalCalls } from './internal-call';

const TIMEOUT_MS = 2000;

/** Asks auth's internal port. Several addresses: the one that answered last is asked first, the others when it does not. */
export class RemoteAccessKeyVerifier extends AccessKeyVerifier {
  private first = 0;

  /** @param urls addresses of auth's internal port, without path */
  constructor(
    private readonly urls: readonly string[],
    private readonly calls: InternalCalls,
    private readonly send: typeof fetch = fetch,
  ) {
    super();
    if (urls.length === 0) throw new Error('No address of auth is known. Set AUTH_INTERNAL_URL.');
  }

  async verify(accessKey: string, alg: SignatureAlgorithm, base: string, signature: Buffer): Promise<boolean> {
    const body = JSON.stringify({ accessKey, alg, base, signature: signature.toString('base64') });
    // Once more with a single address too: a connection kept alive may have been closed by the other side.
    const attempts = Math.max(2, this.urls.length);
    for (let attempt = 0; attempt < attempts; attempt++) {
      const index = this.first % this.urls.length;
      const valid = await this.ask(this.urls[index], body);
      if (valid !== undefined) return valid;
      if (this.first % this.urls.length === index) this.first = (index + 1) % this.urls.length;
    }
    throw new LienThongError('unavailable', { what: 'auth', retryAfter: 5 });
  }

  private async ask(url: string, body: string): Promise<boolean | undefined> {
    try {
      const answer = await this.send(`${url}${ACCESS_KEY_CHECKS}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', [TOKEN_HEADER]: this.calls.token(body) },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const { valid } = (await answer.json()) as { valid?: unknown };
      return answer.ok && typeof valid === 'boolean' ? valid : undefined;
    } catch {
      return undefined;
    }
  }
}
