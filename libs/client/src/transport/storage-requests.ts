import type { Language } from '@lienthong/contracts';
import { type Dispatcher, request } from 'undici';
import { errorOf, PlatformError } from './platform-error';
import { mayRetry } from './retries';
import { isAbort, UnreachableError } from './unreachable-error';

/** Storage may need a while to assemble or to find a large object; this is silence, not the length of a transfer. */
const SILENCE_MS = 120_000;

export interface StorageAddress {
  url: string;
  headers: Record<string, string>;
}

/** Requests to the addresses that the platform gave out: not signed by us, exactly the headers that came with the address. */
export class StorageRequests {
  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly language: Language,
  ) {}

  /** @returns the ETag of what was stored, as storage wrote it. */
  async put(
    { url, headers }: StorageAddress,
    length: number,
    content: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<string> {
    const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
    const answer = await this.ask(url, {
      method: 'PUT',
      headers: names.has('content-length') ? headers : { ...headers, 'content-length': String(length) },
      body: length === 0 ? '' : (content as unknown as Dispatcher.DispatchOptions['body']),
      signal,
    });
    await this.refuseErrors(url, answer);
    await answer.body.dump();
    return answer.headers.etag?.toString() ?? '';
  }

  /** From byte `start` on. @returns the bytes and the position they begin at: 0 where storage does not know ranges. */
  async get(
    { url, headers }: StorageAddress,
    start: number,
    signal?: AbortSignal,
  ): Promise<{ start: number; body: AsyncIterable<Buffer> }> {
    const range: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {};
    const answer = await this.ask(url, { method: 'GET', headers: { ...headers, ...range }, signal });
    await this.refuseErrors(url, answer);
    const begins = /^bytes (\d+)-/.exec(answer.headers['content-range']?.toString() ?? '')?.[1];
    return { start: answer.statusCode === 206 && begins ? Number(begins) : 0, body: answer.body };
  }

  private ask(
    url: string,
    options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'>,
  ): Promise<Dispatcher.ResponseData> {
    const { dispatcher } = this;
    return request(url, { ...options, dispatcher, headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS }).catch(
      (error: unknown) => {
        throw fromNetwork(error, url);
      },
    );
  }

  private async refuseErrors(url: string, answer: Dispatcher.ResponseData): Promise<void> {
    if (answer.statusCode < 300) return;
    throw errorOf(
      {
        status: answer.statusCode,
        contentType: String(answer.headers['content-type'] ?? ''),
        retryAfter: answer.headers['retry-after']?.toString(),
        text: await answer.body.text(),
        from: new URL(url).origin,
      },
      this.language,
    );
  }
}

/** An abort and a failure to read our own file (or one that changed its size meanwhile) stay what they are; the rest is the network. */
function fromNetwork(error: unknown, url: string): unknown {
  const { path, code } = error as NodeJS.ErrnoException;
  const local = path !== undefined || code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH';
  return local || isAbort(error) ? error : new UnreachableError(new URL(url).origin, error);
}

/** The address is past its time, or storage no longer knows its signature: a new one may do. */
export const addressRefused = (error: unknown): boolean =>
  error instanceof PlatformError && (error.status === 403 || error.status === 401);

/** Storage's own passing troubles; S3 servers answer 500 and 503 (SlowDown) under load and ask to try again. */
export const storageMayRecover = (error: unknown): boolean =>
  mayRetry(error, true) || (error instanceof PlatformError && error.status === 500);
