import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import type { Metrics } from '../health/metrics';
import type { Log } from '../log';

declare module 'http' {
  interface IncomingMessage {
    /** Given by the client (`X-Request-Id`) or made here; returned to it, and in every log line about the request. */
    id?: string;
  }
}

/** A request, a task, a timer that found something. One store for all that is known of it: every promise of the process pays for each store there is. */
interface UnitOfWork {
  line: Record<string, unknown>;
  caller?: VerifiedCaller;
}

/** Who signed a request: the access key, or the session's id; `systemId` is null for an administrator. */
export interface VerifiedCaller {
  keyId: string;
  systemId: string | null;
}

interface LogContext {
  /** Adds fields (ids, counts, outcomes; never content or secrets) to the one line of this unit of work. */
  add(fields: Record<string, unknown>): void;
}

const units = new AsyncLocalStorage<UnitOfWork>();
const ofRequest = new WeakMap<object, UnitOfWork>();

/** The log line of the unit of work under way. Pass the request in callbacks of streams, where the asynchronous context may be another one. */
export function logContext(req?: object): LogContext {
  const { line } = (req && ofRequest.get(req)) ?? units.getStore() ?? { line: {} };
  return { add: (more) => void Object.assign(line, more) };
}

/** From now on this request is known to be of that caller. */
export function setCaller(req: object, { keyId, systemId }: VerifiedCaller): void {
  const unit = ofRequest.get(req);
  if (unit) unit.caller = { keyId, systemId };
}

/** Whose request the unit of work under way is; undefined for tasks and timers, and before it is verified. */
export const currentCaller = (): VerifiedCaller | undefined => units.getStore()?.caller;

/**
 * Runs a unit of work that is no HTTP request (a task, a timer that found something) and writes its one line: step, outcome, duration in ms, and what was added.
 * @throws whatever `work` throws, after logging it
 */
export async function logUnit<T>(
  log: Pick<Log, 'info' | 'error'>,
  step: string,
  fields: Record<string, unknown>,
  work: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  const line: Record<string, unknown> = { step, ...fields };
  return units.run({ line }, async () => {
    try {
      const result = await work();
      log.info({ ...line, durationMs: since(start) }, `${step} done`);
      return result;
    } catch (error) {
      log.error({ ...line, durationMs: since(start), err: error }, `${step} failed`);
      throw error;
    }
  });
}

const STEP = 'lienthong:step';
/** Names the step of the flow that a controller (or one method) is; it becomes the `step` of the log line. */
export const Step = (name: string) => SetMetadata(STEP, name);

/** Not a guard in earnest: the first place in Nest that knows which handler a request goes to, and early enough to name refused requests too. */
@Injectable()
export class StepNaming implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const step: unknown =
      Reflect.getMetadata(STEP, context.getHandler()) ?? Reflect.getMetadata(STEP, context.getClass());
    if (step !== undefined) logContext(context.switchToHttp().getRequest<Request>()).add({ step });
    return true;
  }
}

const since = (start: number): number => Math.round((performance.now() - start) * 10) / 10;
const REQUEST_ID = /^[\w.-]{1,64}$/;

/** Writes one wide line per request when it is over, and measures it. */
export function requestLog(log: Log, metrics: Metrics): RequestHandler {
  return (req, res, next) => {
    const start = performance.now();
    const given = req.get('x-request-id');
    req.id = given && REQUEST_ID.test(given) ? given : randomUUID();
    res.set('X-Request-Id', req.id);
    const unit: UnitOfWork = { line: {} };
    ofRequest.set(req, unit);

    res.once('close', () => {
      const aborted = !res.writableFinished;
      const status = aborted && !res.headersSent ? 499 : res.statusCode;
      const durationMs = since(start);
      const route = routeOf(req);
      metrics.requests.observe({ method: methodOf(req), route, status }, durationMs / 1000);
      const line = {
        step: undefined,
        method: req.method,
        route,
        path: pathOf(req),
        status,
        durationMs,
        requestId: req.id,
        ...unit.line,
      };
      const name = line.step ?? 'request';
      if (status >= 500) log.error(line, `${name} failed`);
      else log.info(line, `${name} ${aborted ? 'aborted' : status >= 400 ? 'refused' : 'done'}`);
    });
    units.run(unit, next);
  };
}

const pathOf = (req: Request): string => req.originalUrl.split('?')[0].slice(0, 300);

/** The pattern, not the path: a metric with a label per packet would grow without end. */
function routeOf(req: Request): string {
  const path: unknown = (req.route as { path?: unknown } | undefined)?.path;
  return typeof path === 'string' ? req.baseUrl + path : 'unmatched';
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const methodOf = (req: Request): string => (METHODS.has(req.method) ? req.method : 'other');
