import { Gauge } from 'prom-client';
import type { HealthChecks } from './health-checks';
import type { Metrics } from './metrics';

/** reliability 9.2: further from the database's clock than this, a process says so. It goes by that one; its log lines, and who reads them, go by its own. */
const CLOSE_MS = 2000;
const GAUGE = 'lienthong_clock_ahead_seconds';

/**
 * A warning in `GET /readyz`, which leaves the process ready, and a gauge.
 * @param aheadMs how far the clock of this process is ahead of the database's, in milliseconds
 */
export function watchClock(health: HealthChecks, metrics: Metrics, aheadMs: () => number): void {
  health.warn('clock', () => {
    const ms = aheadMs();
    if (Math.abs(ms) <= CLOSE_MS) return undefined;
    const seconds = Math.round(Math.abs(ms) / 1000);
    return `${seconds} s ${ms > 0 ? 'ahead of' : 'behind'} the clock of the database: set both by NTP`;
  });
  // Once in a process that holds several apps.
  if (!metrics.getSingleMetric(GAUGE)) metrics.registerMetric(gauge(aheadMs));
}

const gauge = (aheadMs: () => number): Gauge =>
  new Gauge({
    name: GAUGE,
    help: 'How far the clock of this process is ahead of that of the database, in seconds',
    registers: [],
    collect() {
      this.set(aheadMs() / 1000);
    },
  });
