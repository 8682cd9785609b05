import { Router } from 'express';
import { plainTarget } from '../http/plain-target';
import type { HealthChecks } from './health-checks';
import type { Metrics } from './metrics';

/** As of every other route: these stand before what sees to it for those. */
const ONE_SPELLING = { strict: true, caseSensitive: true };

/** `GET /healthz`: the process is alive; says nothing about what it depends on, so that an outage elsewhere does not restart it. */
export function aliveRoute(app: string, version: string): Router {
  const router = Router(ONE_SPELLING);
  router.get('/healthz', plainTarget, (_req, res) => {
    res.json({ status: 'ok', app, version, uptimeSeconds: Math.round(process.uptime()) });
  });
  return router;
}

/** `GET /readyz` and `GET /metrics`. */
export function readyRoutes(health: HealthChecks, metrics: Metrics): Router {
  const router = Router(ONE_SPELLING);
  router.get('/readyz', plainTarget, async (_req, res) => {
    const readiness = await health.readiness();
    res.status(readiness.status === 'ready' ? 200 : 503).json(readiness);
  });
  router.get('/metrics', plainTarget, async (_req, res) => {
    res.type(metrics.contentType).send(await metrics.metrics());
  });
  return router;
}
