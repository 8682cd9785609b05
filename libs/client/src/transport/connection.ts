import { createInterface } from 'node:readline';
import { type Language, LienThongError, type SessionAnswer } from '@lienthong/contracts';
import { type SigningKey, signRequest } from '@lienthong/signing';
import { Agent, type Dispatcher, request } from 'undici';
import { type ClientProof, clientProof } from './client-proof';
import { type Credentials, signingKeyOf } from './credentials';
import { errorOf, PlatformError } from './platform-error';
import { mayRetry, RETRY_LIMITS, type RetryLimits, withRetries } from './retries';
import { SessionKeeper } from './session-keeper';
import { isAbort, UnreachableError } from './unreachable-error';

/** Certificates for TLS beyond what the system trusts: an authority of one's own, or a client certificate. PEM. */
export interface TlsOptions {
  ca?: string;
  cert?: string;
  key?: string;
}

export interface ConnectionOptions extends Partial<Credentials> {
  /** The platform's one public origin, for example `https://lienthong.example.gov.vn`. */
  baseUrl: string;
  /** Language of the platform's error texts; default `vi`. */
  language?: Language;
  /** Open a session with the access key and sign with it (default), or sign each request with the access key itself. */
  session?: boolean;
  retry?: Partial<RetryLimits>;
  tls?: TlsOptions;
  /** Connections kept open to one host; default 16. */
  connections?: number;
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: object;
  /** In place of a body of JSON. */
  form?: Record<string, string>;
  headers?: Record<string, string>;
  /** A second arrival of the same call does no harm. Default: true for GET, PUT and DELETE. */
  repeatable?: boolean;
  /**
   * Default `session` (which is the access key when the client keeps no session). `privateKey`: by the RSA key itself where the client has one,
   * for what a receipt shall prove to others; a session is a secret shared with the platform.
   */
  signedWith?: SignedWith;
  /** Not worth a second try. */
  once?: boolean;
  signal?: AbortSignal;
}

type SignedWith = 'session' | 'accessKey' | 'privateKey' | 'nothing';

/** Protocol 4 (Q4): every call answers within 30 s or fails; a little longer here so that the platform's own answer wins. */
const ANSWER_WITHIN_MS = 35_000;

/** The signed, retrying HTTP connection to one platform. Everything the client asks of the platform goes through `call`. */
export class Connection {
  readonly origin: string;
  readonly language: Language;
  readonly dispatcher: Dispatcher;
  readonly limits: RetryLimits;
  readonly sessions: SessionKeeper;
  readonly tls: TlsOptions;
  private readonly credentials: Partial<Credentials>;
  private readonly keepsSession: boolean;
  private clockOffsetMs = 0;

  constructor(options: ConnectionOptions) {
    this.origin = originOf(options.baseUrl);
    this.language = options.language ?? 'vi';
    this.limits = { ...RETRY_LIMITS, ...options.retry };
    this.tls = options.tls ?? {};
    this.credentials = options;
    this.keepsSession = options.session ?? true;
    this.dispatcher = new Agent({
      connections: options.connections ?? 16,
      keepAliveTimeout: 30_000,
      headersTimeout: ANSWER_WITHIN_MS,
      bodyTimeout: ANSWER_WITHIN_MS,
      connect: { timeout: 10_000, ...this.tls },
    });
    this.sessions = new SessionKeeper(() => this.openSession({}));
  }

  /** `POST /v1/sessions`, signed with the access key (S1, S5, A1). */
  openSession(body: { destination?: string }): Promise<SessionAnswer> {
    return this.call({ method: 'POST', path: '/v1/sessions', body, repeatable: true, signedWith: 'accessKey' });
  }

  /**
   * Makes the call, again where that is safe, each time with a fresh nonce and signature.
   * @returns the JSON of the answer; undefined for 204
   * @throws PlatformError what the platform answered; UnreachableError when no answer came
   */
  async call<T>(call: Call): Promise<T> {
    const repeatable = call.repeatable ?? ['GET', 'PUT', 'DELETE'].includes(call.method);
    const once = { session: false, clock: false };
    // Opening a session has tries of its own; its failure is final here, or the two would multiply.
    let opening = false;
    const attempt = async (): Promise<T> => {
      opening = true;
      const key = await this.keyFor(call.signedWith ?? 'session');
      opening = false;
      try {
        return await this.exchange<T>(call, key);
      } catch (error) {
        if (key && sessionGone(error) && !once.session && this.refuseSession(key.keyId)) once.session = true;
        else if (this.clockCorrected(error) && !once.clock) once.clock = true;
        else throw error;
        return attempt();
      }
    };
    return withRetries(
      this.limits,
      attempt,
      (error) => !opening && !call.once && mayRetry(error, repeatable),
      call.signal,
    );
  }

  /**
   * An answer of one JSON object a line, read as it comes; once, without a second try.
   * @throws PlatformError what the platform answered; UnreachableError when no answer came
   */
  async *lines<T>(call: Call): AsyncGenerator<T> {
    const answer = await this.send(call, await this.keyFor(call.signedWith ?? 'session'));
    if (answer.statusCode >= 300) throw await this.refusal(answer);
    for await (const line of createInterface({ input: answer.body, crlfDelay: Infinity }))
      if (line !== '') yield JSON.parse(line) as T;
  }

  /** Headers that sign a request to the platform made elsewhere (the WebSocket upgrade). */
  async signatureFor(method: string, target: string): Promise<{ keyId: string; headers: Record<string, string> }> {
    const key = await this.keyFor('session');
    if (!key) throw new LienThongError('invalid_configuration', { why: 'accessKey' });
    return { keyId: key.keyId, headers: this.sign(method, target, undefined, key) };
  }

  /** What shows who this is where nothing is signed (A7). @param audience as {@link clientProof} */
  proof(audience: () => Promise<string>): Promise<ClientProof> {
    return clientProof(this.credentials, audience);
  }

  /** The platform no longer takes this session: the next request opens another. @returns whether it was one */
  refuseSession(keyId: string): boolean {
    if (!this.keepsSession || keyId === this.credentials.accessKey) return false;
    this.sessions.refuse(keyId);
    return true;
  }

  async close(): Promise<void> {
    await this.dispatcher.close();
  }

  private async keyFor(signedWith: SignedWith): Promise<SigningKey | undefined> {
    if (signedWith === 'nothing') return undefined;
    const { accessKey = '', ...rest } = this.credentials;
    const own = signedWith === 'accessKey' || (signedWith === 'privateKey' && rest.privateKeyPem !== undefined);
    if (!own && this.keepsSession) return this.sessions.key();
    return signingKeyOf({ accessKey, ...rest });
  }

  private async exchange<T>(call: Call, key: SigningKey | undefined): Promise<T> {
    const answer = await this.send(call, key);
    if (answer.statusCode >= 300) throw await this.refusal(answer);
    const text = await this.textOf(answer);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  private async send(call: Call, key: SigningKey | undefined): Promise<Dispatcher.ResponseData> {
    const target = targetOf(call.path, call.query);
    const body = bodyOf(call);
    const headers = {
      accept: 'application/json, application/problem+json',
      'accept-language': this.language,
      'user-agent': 'lienthong-client/0.1.0',
      ...(body === undefined ? {} : { 'content-type': call.form ? FORM : 'application/json' }),
      ...call.headers,
      ...(key ? this.sign(call.method, target, body, key) : {}),
    };
    const { method, signal } = call;
    const { dispatcher, origin } = this;
    return request(origin + target, { method, headers, body, signal, dispatcher }).catch(this.unreachable);
  }

  private textOf({ body }: Dispatcher.ResponseData): Promise<string> {
    return body.text().catch(this.unreachable);
  }

  private async refusal(answer: Dispatcher.ResponseData): Promise<PlatformError> {
    return errorOf(
      {
        status: answer.statusCode,
        contentType: String(answer.headers['content-type'] ?? ''),
        retryAfter: answer.headers['retry-after']?.toString(),
        text: await this.textOf(answer),
        from: this.origin,
      },
      this.language,
    );
  }

  private readonly unreachable = (error: unknown): never => {
    throw isAbort(error) ? error : new UnreachableError(this.origin, error);
  };

  private sign(method: string, target: string, body: string | undefined, key: SigningKey): Record<string, string> {
    const created = Math.floor((Date.now() + this.clockOffsetMs) / 1000);
    return signRequest({ method, target, body }, key, { created });
  }

  /** Q8: a clock that is wrong is told by `doctor`; work goes on with the platform's time, learnt from its refusal. */
  private clockCorrected(error: unknown): boolean {
    if (!(error instanceof PlatformError) || error.code !== 'clock_skew') return false;
    const serverTime = Date.parse(String(error.problem.serverTime));
    if (Number.isNaN(serverTime)) return false;
    this.clockOffsetMs = serverTime - Date.now();
    return true;
  }
}

const FORM = 'application/x-www-form-urlencoded';

function bodyOf({ body, form }: Call): string | undefined {
  if (form) return new URLSearchParams(form).toString();
  return body === undefined ? undefined : JSON.stringify(body);
}

const sessionGone = (error: unknown): boolean =>
  error instanceof PlatformError && ['session_expired', 'unknown_key'].includes(error.problem.code);

/** Paths and queries are signed, so nothing may stand before `/v1`. */
function originOf(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search) {
    throw new LienThongError('invalid_configuration', { why: `baseUrl ${baseUrl}` });
  }
  return url.origin;
}

export function targetOf(path: string, query: Call['query'] = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? path : `${path}?${given}`;
}

/** Joins names into a path; a system id keeps its slash (protocol 2: two segments, never percent-encoded). */
export const pathOf = (...segments: string[]): string =>
  `/${segments.map((segment) => segment.split('/').map(encodeURIComponent).join('/')).join('/')}`;
