import { Router } from 'express';
import type { HealthChecks } from './health-checks';
import type { Metrics } from './metrics';

/** `GET /healthz`: the process is alive; says nothing about what it depends on, so that an outage elsewhere does not restart it. */
export function aliveRoute(app: string, version: string): Router {
  const router = Router();
  router.get('/healthz', (_req, res) => {
    res.json({ status: 'ok', app, version, uptimeSeconds: Math.round(process.uptime()) });
  });
  return router;
}

/** `GET /readyz` and `GET /metrics`. */
export function readyRoutes(health: HealthChecks, metrics: Metrics): Router {
  const router = Router();
  router.get('/readyz', async (_req, res) => {
    const readiness = await health.readiness();
    res.status(readiness.status === 'ready' ? 200 : 503).json(readiness);
  });
  router.get('/metrics', async (_req, res) => {
    res.type(metrics.contentType).send(await metrics.metrics());
  });
  return router;
}
