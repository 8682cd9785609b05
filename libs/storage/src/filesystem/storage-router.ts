import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { LienThongError, problemOf, statusOf } from '@lienthong/contracts';
import send from 'send';
import type { Storage } from '../storage';
import { FilesystemStorage } from './filesystem-storage';
import { type Permission, STORAGE_PATH } from './signed-address';

/** A client that sends nothing for this long is cut off; a slow one that goes on sending is not. */
const IDLE_MILLISECONDS = 60_000;
/** How much of a refused body is read away, so that the client gets to read the answer before the connection closes. */
const DISCARD_BYTES = 1024 * 1024;

export type StorageHandler = (
  request: IncomingMessage & { originalUrl?: string },
  response: ServerResponse,
  next?: () => void,
) => void;

/** @returns the handlers that a process mounts before its body parser: one for the filesystem driver, none for a store that clients reach themselves. */
export const storageRoutes = (storage: Storage): StorageHandler[] =>
  storage instanceof FilesystemStorage ? [storageRouter(storage)] : [];

/**
 * Serves the addresses that `FilesystemStorage` signs. It reads the raw request, so it goes before every body parser: a middleware of
 * Express, or the listener of a plain HTTP server. With `next`, other paths go there.
 */
export function storageRouter(storage: FilesystemStorage): StorageHandler {
  const logger = new Logger('storage');
  return (request, response, next) => {
    const target = request.originalUrl ?? request.url ?? '';
    if (next && !target.startsWith(STORAGE_PATH)) return next();
    answer(storage, request, response, target).catch((error: unknown) => {
      // The client has gone: there is nobody to answer.
      if (request.destroyed && !request.complete) return response.destroy();
      if (!(error instanceof LienThongError)) logger.error(error);
      refuse(request, response, known(error), target);
    });
  };
}

const watched = new WeakSet<Socket>();

/** Once per connection: many requests come over one. */
function cutWhenIdle(socket: Socket): void {
  if (watched.has(socket)) return;
  watched.add(socket);
  socket.setTimeout(IDLE_MILLISECONDS, () => socket.destroy());
}

async function answer(storage: FilesystemStorage, request: IncomingMessage, response: ServerResponse, target: string) {
  const permission = storage.permission(request.method ?? '', target);
  cutWhenIdle(request.socket);
  if (permission.operation === 'get') return serve(storage, permission, request, response, target);

  refuseOtherHeaders(permission, request);
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  const etag =
    permission.operation === 'piece'
      ? await storage.receivePiece(permission, body)
      : await storage.receive(permission, body).then(() => Buffer.from(permission.sha256, 'base64').toString('hex'));
  response.writeHead(200, { etag: `"${etag}"`, 'content-length': 0 }).end();
}

/** The length is known before the first byte, or is checked while reading; the media type is under the signature like everything else. */
function refuseOtherHeaders(permission: Exclude<Permission, { operation: 'get' }>, request: IncomingMessage): void {
  const { 'content-length': length, 'content-type': type = '' } = request.headers;
  const refuse = (what: string, declared: string | number, actual: string) => {
    throw new LienThongError('content_mismatch', { part: permission.key, what, declared, actual });
  };
  if (length !== undefined && Number(length) !== permission.size) refuse('size', permission.size, length);
  if (permission.operation === 'put' && type !== permission.mediaType) refuse('mediaType', permission.mediaType, type);
}

function serve(
  storage: FilesystemStorage,
  permission: Extract<Permission, { operation: 'get' }>,
  request: IncomingMessage,
  response: ServerResponse,
  target: string,
): void {
  const { root, file, headers } = storage.download(permission);
  send(request, file, { root, index: false, dotfiles: 'deny', lastModified: false, cacheControl: false })
    .on('headers', (response: ServerResponse) => response.setHeaders(new Map(Object.entries(headers))))
    .on('error', (error: { status: number; headers?: Record<string, string> }) => {
      if (error.status === 404) return refuse(request, response, new LienThongError('not_found'), target);
      response.writeHead(error.status, { ...error.headers, 'content-length': 0 }).end();
    })
    .pipe(response);
}

/** The answer is complete for the client before the rest of its body is read away and the connection closed. */
function refuse(request: IncomingMessage, response: ServerResponse, error: LienThongError, target: string): void {
  if (response.headersSent) return void response.destroy();
  const language = /^en\b/i.test(request.headers['accept-language'] ?? '') ? 'en' : 'vi';
  // Never the query: it holds the signature.
  const body = Buffer.from(JSON.stringify(problemOf(error, language, target.split('?')[0])));
  response.writeHead(statusOf(error), {
    'content-type': 'application/problem+json',
    'content-language': language,
    'content-length': body.length,
    connection: 'close',
  });
  response.write(body);
  if (request.complete || request.method === 'GET' || request.method === 'HEAD') return void response.end();
  let discarded = 0;
  request
    .on('data', (chunk: Buffer) => (discarded += chunk.length) > DISCARD_BYTES && response.end())
    .on('end', () => response.end())
    .on('error', () => response.destroy())
    .resume();
}

function known(error: unknown): LienThongError {
  return error instanceof LienThongError ? error : new LienThongError('internal_error', { reference: randomUUID() });
}
