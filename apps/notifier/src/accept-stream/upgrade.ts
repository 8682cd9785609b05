import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { LienThongError, problemOf } from '@lienthong/contracts';
import { outageOf } from '@lienthong/runtime';

/** Answers an upgrade that is refused with a problem document, as any other request is. */
export function refuse(request: IncomingMessage, socket: Duplex, thrown: unknown): void {
  const error = errorOf(thrown);
  const language = /^\s*en\b/i.test(request.headers['accept-language'] ?? '') ? 'en' : 'vi';
  const problem = problemOf(error, language, (request.url ?? '').split('?')[0]);
  const body = JSON.stringify(problem);
  const retry = error.params.retryAfter === undefined ? '' : `Retry-After: ${error.params.retryAfter}\r\n`;
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_TEXTS[problem.status] ?? 'Refused'}\r\n` +
      `Content-Type: application/problem+json\r\nContent-Language: ${language}\r\n${retry}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

const STATUS_TEXTS: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

function errorOf(thrown: unknown): LienThongError {
  if (thrown instanceof LienThongError) return thrown;
  const outage = outageOf(thrown);
  return outage
    ? new LienThongError('unavailable', { what: outage.what, retryAfter: 3 })
    : new LienThongError('internal_error', { reference: '-' });
}
