import { LIMITS, type WebhookError } from '@lienthong/contracts';
import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { type ClientRequest, type IncomingMessage, type RequestOptions, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from 'request-filtering-agent';
import type { Networks } from './networks';

export interface WebhookRules {
  allowHttp: boolean;
  /** Beside the public Internet. */
  networks: Networks;
}

export type WebhookOutcome =
  { ok: true } | { ok: false; error: WebhookError; gone: boolean; retryAfterSeconds?: number };

/** All addresses of a name. @throws the error of the resolver */
export type ResolveName = (hostname: string) => Promise<LookupAddress[]>;

type Family = 4 | 6;
type Agent = RequestFilteringHttpAgent | RequestFilteringHttpsAgent;

/** Of the answer's body nothing is read but its end, up to here. */
const ANSWER_BYTES = 64 * 1024;
/** Deprecated form of an IPv4 address (RFC 4291 section 2.5.5.1), which the filter takes for a public one. */
const IPV4_COMPATIBLE = '::/96';
const USER_AGENT = 'lienthong-webhook/1';
const lookup = promisify(systemLookup);
const resolveName: ResolveName = (hostname) => lookup(hostname, { all: true });

/**
 * Requests of the platform to addresses that systems chose (abuse row A32, OWASP API7). A name is resolved once; every address it has must be public or in an
 * allowed network, and the connection goes to just these. Redirects are answers like any other: nothing is ever followed.
 */
export class WebhookRequests {
  private readonly agents = new Map<string, Agent>();

  constructor(
    private readonly rules: WebhookRules,
    private readonly resolve: ResolveName = resolveName,
    private readonly timeoutMs = LIMITS.webhookAnswerSeconds * 1000,
  ) {}

  /** @returns the address in its one form; undefined when its form alone forbids to call it */
  addressOf(text: string): string | undefined {
    if (text.length > LIMITS.webhookUrlCharacters || !URL.canParse(text)) return undefined;
    const url = new URL(text);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && this.rules.allowHttp)) return undefined;
    if (url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
    return url.href;
  }

  /** Posts JSON once; never throws. 2xx within ten seconds is good; what the body says is not looked at. */
  async post(address: string, headers: Record<string, string>, body: string): Promise<WebhookOutcome> {
    const url = this.addressOf(address);
    if (url === undefined) return failed('address_refused');
    const signal = AbortSignal.timeout(this.timeoutMs);
    try {
      const pinned = await this.pin(new URL(url), signal);
      return await this.again(() => this.send(new URL(url), { headers, body, signal, ...pinned }));
    } catch (error) {
      return failed(signal.aborted ? 'timeout' : errorOf(error as NodeJS.ErrnoException));
    }
  }

  close(): void {
    for (const agent of this.agents.values()) agent.destroy();
  }

  /** Addresses of one family: the filter's list holds one. */
  private async pin(url: URL, signal: AbortSignal): Promise<{ family: Family; lookup: LookupFunction }> {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const literal = isIP(host);
    const addresses = literal ? [{ address: host, family: literal }] : await unlessAborted(this.resolve(host), signal);
    if (addresses.length === 0) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
    const family = addresses[0].family as Family;
    const own = addresses.filter((one) => one.family === family);
    return {
      family,
      lookup: (_hostname, options, done) => (options.all ? done(null, own) : done(null, own[0].address, own[0].family)),
    };
  }

  private send(
    url: URL,
    asked: {
      headers: Record<string, string>;
      body: string;
      signal: AbortSignal;
      family: Family;
      lookup: LookupFunction;
    },
  ): Promise<WebhookOutcome> {
    const { headers, body, signal, family, lookup: pinned } = asked;
    return new Promise((resolve, reject) => {
      const options: RequestOptions = {
        method: 'POST',
        agent: this.agentOf(url.protocol, family),
        lookup: pinned,
        signal,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': USER_AGENT,
        },
      };
      const request: ClientRequest = (url.protocol === 'https:' ? httpsRequest : httpRequest)(
        url,
        options,
        (answer) => {
          discard(answer);
          resolve(outcomeOf(answer));
        },
      );
      request.on('error', (error) => reject(Object.assign(error, { reused: request.reusedSocket })));
      request.end(body);
    });
  }

  /** A connection that was kept may have been closed by the other side just now: once more, on another. */
  private async again<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      const { reused, code } = error as NodeJS.ErrnoException & { reused?: boolean };
      if (reused && (code === 'ECONNRESET' || code === 'EPIPE')) return attempt();
      throw error;
    }
  }

  private agentOf(protocol: string, family: Family): Agent {
    const key = `${protocol}${family}`;
    const known = this.agents.get(key);
    if (known) return known;
    const options = {
      keepAlive: true,
      maxSockets: Infinity,
      maxFreeSockets: 1,
      timeout: 2 * this.timeoutMs,
      allowIPAddressList: [...this.rules.networks[family]],
      denyIPAddressList: family === 6 ? [IPV4_COMPATIBLE] : [],
    };
    const agent =
      protocol === 'https:' ? new RequestFilteringHttpsAgent(options) : new RequestFilteringHttpAgent(options);
    this.agents.set(key, agent);
    return agent;
  }
}

const failed = (error: WebhookError): WebhookOutcome => ({ ok: false, error, gone: false });

/** The rest of the answer is thrown away; a long one ends the connection, which is then not used again. */
function discard(answer: IncomingMessage): void {
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => (bytes += chunk.length) > ANSWER_BYTES && answer.destroy());
  answer.on('error', () => undefined);
}

function outcomeOf({ statusCode = 0, headers }: IncomingMessage): WebhookOutcome {
  if (statusCode >= 200 && statusCode < 300) return { ok: true };
  const retryAfterSeconds = secondsOf(headers['retry-after']);
  return { ok: false, error: `http_${statusCode}`, gone: statusCode === 410, retryAfterSeconds };
}

/** RFC 9110 section 10.2.3: seconds or a date. */
function secondsOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}

const TLS = /CERT|TLS|SSL|EPROTO|SELF_SIGNED/;
/** Codes of OpenSSL's verification (`tls.TLSSocket`): what the receiver's owner has to do differs. */
const CERTIFICATES: Record<string, WebhookError> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate_untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate_untrusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate_untrusted',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate_mismatch',
};

/** The filter's own error has no code. */
function errorOf({ code = '', message }: NodeJS.ErrnoException): WebhookError {
  if (message.includes('is not allowed')) return 'address_refused';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'ENODATA') return 'name_unknown';
  if (code === 'ECONNREFUSED') return 'connection_refused';
  return CERTIFICATES[code] ?? (TLS.test(code) ? 'tls_failed' : 'connection_failed');
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
