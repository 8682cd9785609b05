import type { AccessCheckAnswer } from '@lienthong/contracts';
import { readSignature, SignatureError } from '@lienthong/signing';
import type { IncomingMessage } from 'node:http';
import type { LienThongClient } from '../client';
import { AccessRefusedError } from './access-refused-error';

/** Who called, as the platform says. */
export type Source = Extract<AccessCheckAnswer, { active: true }>['source'];

export interface IncomingRequest extends IncomingMessage {
  /** Express and Nest: the target before routers shortened it. */
  originalUrl?: string;
  /** The body exactly as it came; Nest keeps it with `NestFactory.create(App, { rawBody: true })`. */
  rawBody?: Buffer;
  body?: unknown;
  /** Who called; set once the platform has said so. */
  source?: Source;
}

export interface ProtectOptions {
  /** Client of the system whose service this is: it asks the platform under its own key. */
  client: { access: Pick<LienThongClient['access'], 'check'> };
  /** Whether this source may make this request; every source that the platform granted may, without it. */
  allow?: (source: Source, request: IncomingRequest) => boolean | Promise<boolean>;
  /** Bodies beyond are refused; default 1 MiB. */
  maxBodyBytes?: number;
  /** Bodies that take longer are refused, milliseconds; default 30 s. */
  maxBodyMs?: number;
}

const WINDOW_SECONDS = 300;
const MiB = 1024 * 1024;
const BODY_MS = 30_000;

/**
 * Verifies a request to one's own service (A3–A6): the body against its digest here, everything that needs a key at the platform, which takes each
 * request once. Sets `request.source`.
 * @throws AccessRefusedError
 */
export async function checkIncoming(request: IncomingRequest, options: ProtectOptions): Promise<Source> {
  const accessToken = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (accessToken === undefined) throw new AccessRefusedError(401, 'invalid_token');
  const { method = '' } = request;
  const target = request.originalUrl ?? request.url ?? '/';
  const body = await bodyOf(request, options.maxBodyBytes ?? MiB, options.maxBodyMs ?? BODY_MS);
  const covered = coveredOf({ method, target, rawHeaders: request.rawHeaders, body });

  const [path, ...rest] = target.split('?');
  const query = rest.length === 0 ? '' : `?${rest.join('?')}`;
  const headers = headersOf(request, covered);
  const answer = await options.client.access
    .check({ accessToken, request: { method, path, query, headers } })
    .catch(() => {
      // Not let in, and not refused either: the platform could not be asked.
      throw new AccessRefusedError(503, 'unavailable');
    });
  if (!answer.active) throw new AccessRefusedError(401, answer.code);
  if (options.allow && !(await options.allow(answer.source, request)))
    throw new AccessRefusedError(403, 'access_denied');
  request.source = answer.source;
  return answer.source;
}

/** Form, time and digest need no key; what fails here is not worth a question. @returns the names of what the signature covers */
function coveredOf(request: Parameters<typeof readSignature>[0]): string[] {
  try {
    return readSignature(request, { now: Math.floor(Date.now() / 1000), windowSeconds: WINDOW_SECONDS }).covered;
  } catch (error) {
    throw error instanceof SignatureError ? new AccessRefusedError(401, error.code) : error;
  }
}

/** Only what is needed leaves the house: no cookie, nothing that the signature does not cover. */
function headersOf({ headers }: IncomingRequest, covered: string[]): Record<string, string> {
  const names = new Set(['signature-input', 'signature', 'authorization', ...covered]);
  const found = [...names].map((name): [string, unknown] => [name, headers[name === '@authority' ? 'host' : name]]);
  return Object.fromEntries(
    found
      .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
      .map(([name, value]) => [name === '@authority' ? 'host' : name, value]),
  );
}

async function bodyOf(request: IncomingRequest, limit: number, withinMs: number): Promise<Buffer | null> {
  const { headers } = request;
  const announced = Number(headers['content-length'] ?? 0);
  if (request.rawBody) return request.rawBody.length > 0 ? request.rawBody : null;
  if (announced === 0 && headers['transfer-encoding'] === undefined) return null;
  // A parser was here and kept no bytes: the digest cannot be compared, so nothing is let in.
  if (request.readableEnded) throw new AccessRefusedError(500, 'raw_body_missing');
  request.rawBody = await read(request, limit, withinMs);
  return request.rawBody.length > 0 ? request.rawBody : null;
}

/** Nobody has proved anything yet: neither its length nor its slowness may hold the service. */
function read(request: IncomingRequest, limit: number, withinMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (refused?: Error) => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('error', settle).pause();
      if (!refused) return resolve(Buffer.concat(chunks));
      // One that goes away later is no news.
      request.on('error', () => undefined);
      reject(refused);
    };
    const onEnd = () => settle();
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > limit) settle(new AccessRefusedError(413, 'body_too_large'));
    };
    const timer = setTimeout(() => settle(new AccessRefusedError(408, 'request_timeout')), withinMs);
    request.on('data', onData).once('end', onEnd).once('error', settle);
  });
}
