import { LienThongError } from '@lienthong/contracts';
import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { type NestExpressApplication } from '@nestjs/platform-express';
import express, { type RequestHandler, type Router } from 'express';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Admission, type UrgencyOf } from './admission/admission';
import type { ProcessConfig } from './config/process-settings';
import { HealthChecks, NotReady } from './health/health-checks';
import { aliveRoute, readyRoutes } from './health/health.routes';
import { Metrics } from './health/metrics';
import { HttpAdapter, listen, openServer } from './http/http-adapter';
import { InFlight } from './http/in-flight';
import { jsonBody } from './http/json-body';
import { problemHandler } from './http/problem.filter';
import { plainTarget } from './http/plain-target';
import { RateLimits } from './http/rate-limit';
import { requestLog } from './http/request-log';
import { singleHeaders } from './http/single-headers';
import { type Log, nestLogger } from './log';
import { BootError, ownProcess } from './process';
import { RuntimeModule } from './runtime.module';
import { Shutdown } from './shutdown';

export interface BootOptions {
  /** Name of the app, in the log and in `/healthz`. */
  name: string;
  version?: string;
  module: DynamicModule | Type;
  config: ProcessConfig;
  log: Log;
  /** Express handlers that see a request before its body is read (the filesystem storage streams it). */
  before?: RequestHandler[];
  /** The queue this process takes tasks from; handlers are Nest event handlers. */
  microservice?: (app: INestApplication) => CustomTransportStrategy | undefined;
  /** Adds routes to the internal port; never mounted on the public one, so with `INTERNAL_PORT` 0 they do not exist. */
  internal?: (router: Router, app: INestApplication) => void;
  /** What a request is when there is too much work; by default every GET is reading, and nothing is new work. */
  urgencyOf?: UrgencyOf;
  /** Longest wait for requests and tasks under way, once asked to stop. */
  drainMs?: number;
  /** Runs when all else is closed, also after a start that failed: stops what the process started for itself. */
  last?: () => Promise<void>;
  /** False in specs, where the process is not ours: no signal handlers, no exit. */
  ownsProcess?: boolean;
}

export interface RunningApp {
  app: INestApplication;
  port: number;
  /** Stops as on SIGTERM, without ending the process; resolves when all is closed. */
  close(): Promise<void>;
}

const DRAIN_MS = 30_000;

/**
 * Starts a process: Nest with log, validation and problem documents, health and metrics, queue, HTTP. On SIGTERM or SIGINT: not ready, no new connection
 * and no new task, what is under way is finished (30 s at most), everything is closed, exit code 0.
 * @throws BootError in one sentence when the port cannot be had
 */
export async function boot(options: BootOptions): Promise<RunningApp> {
  const { config, log } = options;
  const shutdown = new Shutdown();
  const running: { close?: () => Promise<void> } = {};
  if (options.ownsProcess ?? true) ownProcess(log, () => (running.close ?? options.last)?.());

  const admission = new Admission(
    { lagMs: config.OVERLOAD_LAG_MS, targetMs: config.OVERLOAD_TARGET_MS },
    options.urgencyOf,
  );
  const app = await NestFactory.create<NestExpressApplication>(
    RuntimeModule.with(log, shutdown, options.module, rateLimitsOf(config), admission),
    new HttpAdapter(),
    { bodyParser: false, abortOnError: false, logger: nestLogger(log) },
  );
  const inFlight = mount(app, options);
  const strategy = options.microservice?.(app);
  if (strategy) app.connectMicroservice({ strategy });

  const started = app.get(HealthChecks).register('start', async () => {
    throw new NotReady('not over yet');
  });
  const internal = await openInternal(app, options);
  try {
    await app.init();
    await listen(app.getHttpServer(), 'PORT', config.PORT, config.HOST);
    await app.startAllMicroservices();
  } catch (error) {
    internal?.close();
    await app.close();
    await options.last?.();
    throw error;
  }
  admission.start(log);
  const { port } = app.getHttpServer().address() as AddressInfo;
  log.info({ port, internalPort: config.INTERNAL_PORT || undefined, pid: process.pid }, 'started');

  let closing: Promise<void> | undefined;
  running.close = () => (closing ??= stop());
  started();
  return { app, port, close: running.close };

  async function stop(): Promise<void> {
    const start = performance.now();
    shutdown.begin();
    await admission.stop();
    const server: Server = app.getHttpServer();
    server.close();
    const drained = Promise.allSettled([inFlight.drain(), strategy?.close()]);
    const late = await Promise.race([
      drained.then(() => false),
      sleep(options.drainMs ?? DRAIN_MS, true, { ref: false }),
    ]);
    if (late) log.warn({ requests: inFlight.count }, 'work under way was cut off');
    await app.close();
    internal?.closeAllConnections();
    internal?.close();
    await options.last?.();
    log.info({ durationMs: Math.round(performance.now() - start) }, 'stopped');
  }
}

/**
 * For a process that starts servers of its own before it boots: with the port taken it must not start them.
 * @throws BootError in one sentence when the port cannot be had
 */
export async function assertPortFree({ PORT, HOST }: Pick<ProcessConfig, 'PORT' | 'HOST'>): Promise<void> {
  const probe = await listen(
    openServer(() => undefined),
    'PORT',
    PORT,
    HOST,
  );
  await new Promise((resolve) => probe.close(resolve));
}

/** The order of these is the order in which a request meets them. */
function mount(app: NestExpressApplication, options: BootOptions): InFlight {
  const { config, log, name, version = '0.0.0' } = options;
  const health = app.get(HealthChecks);
  const metrics = app.get(Metrics);
  const inFlight = new InFlight();
  const admission = app.get(Admission);
  admission.measure(metrics);

  app.disable('x-powered-by').disable('etag');
  trustProxies(app, config.TRUST_PROXY);
  app.use(aliveRoute(name, version));
  if (config.INTERNAL_PORT === 0) app.use(readyRoutes(health, metrics));
  app.use(
    requestLog(log, metrics),
    inFlight.handler,
    plainHeaders,
    app.get(RateLimits).ofAddress,
    plainTarget,
    singleHeaders,
  );
  app.use(admission.handler);
  for (const handler of options.before ?? []) app.use(handler);
  app.use(jsonBody());
  return inFlight;
}

const rateLimitsOf = (config: ProcessConfig): RateLimits =>
  new RateLimits({ perAddress: config.RATE_LIMIT_PER_MINUTE, perKey: config.RATE_LIMIT_PER_KEY_PER_MINUTE });

const plainHeaders: RequestHandler = (_req, res, next) => {
  res.set({ 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' });
  next();
};

const notFound: RequestHandler = () => {
  throw new LienThongError('not_found');
};

function trustProxies(app: NestExpressApplication, proxies: readonly string[]): void {
  if (proxies.length === 0) return;
  const [first] = proxies;
  try {
    app.set('trust proxy', proxies.length === 1 && /^\d+$/.test(first) ? Number(first) : [...proxies]);
  } catch (error) {
    throw new BootError(`TRUST_PROXY: ${(error as Error).message}; list addresses, subnets, or the number of hops.`);
  }
}

async function openInternal(app: INestApplication, options: BootOptions): Promise<Server | undefined> {
  const { config, log, name, version = '0.0.0' } = options;
  if (config.INTERNAL_PORT === 0) return undefined;
  const routes = express().disable('x-powered-by');
  routes.use(aliveRoute(name, version), readyRoutes(app.get(HealthChecks), app.get(Metrics)));
  routes.use(requestLog(log, app.get(Metrics)), jsonBody());
  const router = express.Router();
  options.internal?.(router, app);
  routes.use(router, notFound, problemHandler(log));
  return listen(openServer(routes), 'INTERNAL_PORT', config.INTERNAL_PORT, config.HOST);
}
