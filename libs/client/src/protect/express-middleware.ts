import type { ServerResponse } from 'node:http';
import { AccessRefusedError } from './access-refused-error';
import { checkIncoming, type IncomingRequest, type ProtectOptions } from './check-incoming';

/**
 * For Express, and anything that calls `(request, response, next)`, such as a plain `node:http` server. Stands before whatever parses bodies; it reads
 * the body itself into `request.rawBody`, and JSON into `request.body` too. Who is not let in gets an answer here, of RFC 9457.
 */
export function lienthongMiddleware(options: ProtectOptions) {
  return (request: IncomingRequest, response: ServerResponse, next: (error?: unknown) => void): void => {
    checkIncoming(request, options)
      .then(() => parseJson(request))
      .then(
        () => next(),
        (error: unknown) => (error instanceof AccessRefusedError ? refuse(response, error) : next(error)),
      );
  };
}

/** `_body` is how parsers of Express tell each other that the body was read. */
function parseJson(request: IncomingRequest & { _body?: boolean }): void {
  if (request.rawBody === undefined || request._body) return;
  request._body = true;
  if (!/^application\/([\w.-]+\+)?json\b/i.test(request.headers['content-type'] ?? '')) return;
  try {
    request.body = JSON.parse(request.rawBody.toString('utf8'));
  } catch {
    throw Object.assign(new SyntaxError('The body is not JSON.'), { statusCode: 400, status: 400 });
  }
}

function refuse(response: ServerResponse, { statusCode, code }: AccessRefusedError): void {
  response.statusCode = statusCode;
  response.setHeader('Content-Type', 'application/problem+json');
  response.setHeader('Cache-Control', 'no-store');
  if (statusCode === 401) response.setHeader('WWW-Authenticate', `Bearer error="invalid_token"`);
  if (statusCode === 408 || statusCode === 413) response.setHeader('Connection', 'close');
  response.end(
    JSON.stringify({ type: `urn:lienthong:error:${code}`, title: 'Access refused', status: statusCode, code }),
  );
}
