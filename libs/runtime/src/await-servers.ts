import { LienThongError, StartError } from '@lienthong/contracts';
import express from 'express';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessConfig } from './config/process-settings';
import { HealthChecks, NotReady } from './health/health-checks';
import { aliveRoute, readyRoutes } from './health/health.routes';
import { Metrics } from './health/metrics';
import { listen, openServer } from './http/http-adapter';
import { outageOf } from './http/outage';
import { problemHandler } from './http/problem.filter';
import type { Log } from './log';
import { BootError, reasonOf } from './process';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;

/** A look at each server: resolves when it answers. */
type Looks = Record<string, () => Promise<unknown>>;

export interface Waiting {
  /** Name of the app, in `/healthz`. */
  name: string;
  servers: Looks;
  config: Pick<ProcessConfig, 'PORT' | 'HOST' | 'INTERNAL_PORT'> & { STARTUP_WAIT_SECONDS: number };
  log: Log;
}

/**
 * For a `main.ts`, before it boots: waits for the servers that the process cannot start without, since after a power cut all machines start at once and
 * in no order. Meanwhile `/healthz` answers 200 and everything else 503. Only for what passes (refused, timed out, starting up): a mistake in the settings,
 * such as a wrong password, is left to the start itself, which says it at once. RabbitMQ is not among them: without it packets are taken all the same.
 * @throws StartError that a look throws; BootError in one sentence when one has not answered within STARTUP_WAIT_SECONDS
 */
export async function awaitServers({ name, servers, config, log }: Waiting): Promise<void> {
  const deadline = Date.now() + config.STARTUP_WAIT_SECONDS * 1000;
  let closed: (() => Promise<void>) | undefined;
  try {
    for (const [server, look] of Object.entries(servers)) {
      for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        const reason = await reasonOfOutage(look);
        if (reason === undefined) {
          if (pause > FIRST_PAUSE_MS) log.info({ server }, `${server} answers`);
          break;
        }
        if (Date.now() + pause > deadline)
          throw new BootError(
            `No use of the ${server} within ${config.STARTUP_WAIT_SECONDS} s (${reason}). Start it, or correct its address; STARTUP_WAIT_SECONDS says how long to wait.`,
          );
        log.warn({ server, reason }, `waiting for the ${server}`);
        closed ??= await answerMeanwhile({ name, servers, config, log });
        await sleep(pause);
      }
    }
  } finally {
    await closed?.();
  }
}

async function reasonOfOutage(look: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await look();
    return undefined;
  } catch (error) {
    if (error instanceof StartError && !outageOf(error)) throw error;
    return outageOf(error) && reasonOf(error);
  }
}

/** @returns what gives the ports back */
async function answerMeanwhile({ name, servers, config, log }: Waiting): Promise<() => Promise<void>> {
  const health = new HealthChecks();
  for (const [server, look] of Object.entries(servers)) health.register(server, async () => void (await look()));
  health.register('start', async () => {
    throw new NotReady('waiting for servers');
  });
  const routes = express().disable('x-powered-by');
  routes.use(aliveRoute(name, '0.0.0'), readyRoutes(health, new Metrics()));
  routes.use(() => {
    throw new LienThongError('unavailable', { what: 'network', retryAfter: LONGEST_PAUSE_MS / 1000 });
  }, problemHandler(log));
  const open: Server[] = [];
  const close = async () => {
    for (const server of open) {
      const ended = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await ended;
    }
  };
  try {
    for (const port of ['PORT', 'INTERNAL_PORT'] as const)
      if (port === 'PORT' || config[port] !== 0)
        open.push(await listen(openServer(routes), port, config[port], config.HOST));
  } catch (error) {
    await close();
    throw error;
  }
  return close;
}
