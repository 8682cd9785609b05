import {
  type FieldError,
  type Language,
  LienThongError,
  problemOf,
  type Problem,
  statusOf,
  wireCode,
} from '@lienthong/contracts';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { ErrorRequestHandler, Request, Response } from 'express';
import { randomUUID } from 'node:crypto';
import type { Log } from '../log';
import { allowedMethods } from './allowed-methods';
import { outageOf, unavailable } from './outage';
import { logContext } from './request-log';

declare module 'http' {
  interface IncomingMessage {
    /** Set by who keeps a record of what a request was refused: waited for before the refusal is answered. It never rejects. */
    onRefused?: (thrown: unknown) => Promise<void> | undefined;
  }
}

/** A field error whose text waits for the language of the request. */
export interface TwoLanguageFieldError extends Omit<FieldError, 'message'> {
  message: Record<Language, string>;
}

/** Renders every error of an HTTP request as a problem document (RFC 9457, protocol 1): the only place that does. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw thrown;
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const answer = () => answerProblem(thrown, request, http.getResponse<Response>(), this.log);
    const recorded = request.onRefused?.(thrown);
    if (recorded) void recorded.then(answer);
    else answer();
  }
}

/** The same for express routers outside Nest (the internal port). */
export const problemHandler =
  (log: Log): ErrorRequestHandler =>
  (thrown, req, res, _next) =>
    answerProblem(thrown, req, res, log);

/** Writes the problem document of whatever was thrown; writes nothing to a client that has gone or has been answered. */
export function answerProblem(thrown: unknown, req: Request, res: Response, log: Log): void {
  if (res.headersSent || res.destroyed || req.socket.destroyed) {
    if (res.headersSent && !res.writableEnded) res.destroy();
    return;
  }
  const error = errorOf(thrown, req, res, log);
  const language = languageOf(req);
  const problem = localised(problemOf(error, language, req.originalUrl.split('?')[0]), language);
  logContext(req).add({ code: wireCode(error), ...whyNow(error) });

  const { retryAfter } = error.params;
  if ((problem.status === 503 || problem.status === 429) && retryAfter !== undefined)
    res.set('Retry-After', String(retryAfter));
  res.status(problem.status).set('Content-Language', language).vary('Accept-Language');
  res.type('application/problem+json').send(JSON.stringify(problem));
}

/** Of what passes: which dependency or signal it was, and the error behind it, which the client is not told. */
function whyNow(error: LienThongError): Record<string, unknown> {
  if (statusOf(error) < 500) return {};
  const { params, cause } = error;
  return { ...(params.what !== undefined && { what: params.what }), ...(cause !== undefined && { err: cause }) };
}

/** @returns `vi` unless the request prefers English */
export const languageOf = (req: Request): Language => (req.acceptsLanguages('vi', 'en') === 'en' ? 'en' : 'vi');

function localised(problem: Problem, language: Language): Problem {
  const errors = problem.errors as (FieldError | TwoLanguageFieldError)[] | undefined;
  if (!errors) return problem;
  return {
    ...problem,
    errors: errors.map((error) => ({
      ...error,
      message: typeof error.message === 'string' ? error.message : error.message[language],
    })),
  };
}

function errorOf(thrown: unknown, req: Request, res: Response, log: Log): LienThongError {
  if (thrown instanceof LienThongError) return thrown;
  if (thrown instanceof HttpException) return ofHttpException(thrown, req, res) ?? unexpected(thrown, req, log);
  const outage = outageOf(thrown);
  if (outage) {
    log.warn({ err: thrown, what: outage.what, requestId: req.id }, 'dependency away');
    return unavailable(outage);
  }
  return ofHttpError(thrown) ?? unexpected(thrown, req, log);
}

/** Nest's own refusals, and those of its decorators and pipes. */
function ofHttpException(exception: HttpException, req: Request, res: Response): LienThongError | undefined {
  const status = exception.getStatus();
  const why = exception.message.slice(0, 200);
  if (status === 404 && !req.route) {
    const allowed = allowedMethods(req);
    if (allowed.length === 0) return new LienThongError('not_found');
    res.set('Allow', allowed.join(', '));
    return new LienThongError('method_not_allowed', { method: req.method });
  }
  if (status === 404) return new LienThongError('not_found');
  if (status === 403 || status === 401)
    return new LienThongError('access_denied', { what: `${req.method} ${req.path}` });
  if (status === 503) return new LienThongError('unavailable', { what: 'service', retryAfter: 5 });
  return status < 500 ? new LienThongError('malformed_request', { why }) : undefined;
}

/** Errors of express and its middleware carry a status (http-errors). */
function ofHttpError(thrown: unknown): LienThongError | undefined {
  const { status, message, limit, length } = (thrown ?? {}) as Record<string, unknown>;
  if (status === 404) return new LienThongError('not_found');
  if (status === 413) {
    const sizes = { limit: Number(limit ?? 0), actual: Number(length ?? 0) };
    return new LienThongError('body_too_large', sizes, sizes);
  }
  return typeof status === 'number' && status >= 400 && status < 500
    ? new LienThongError('malformed_request', { why: String(message).slice(0, 200) })
    : undefined;
}

function unexpected(thrown: unknown, req: Request, log: Log): LienThongError {
  const reference = randomUUID();
  log.error({ err: thrown, reference, requestId: req.id }, 'unexpected error');
  return new LienThongError('internal_error', { reference }, { reference });
}
