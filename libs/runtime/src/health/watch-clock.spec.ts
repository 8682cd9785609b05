import { HealthChecks } from './health-checks';
import { Metrics } from './metrics';
import { watchClock } from './watch-clock';

describe('The watch over a clock', () => {
  it.each([
    [0, undefined],
    [2000, undefined],
    [-2000, undefined],
    [2600, '3 s ahead of the clock of the database: set both by NTP'],
    [-3_600_000, '3600 s behind the clock of the database: set both by NTP'],
  ])('of %i ms leaves the process ready, with the warning %p and a gauge', async (aheadMs, clock) => {
    const health = new HealthChecks();
    const metrics = new Metrics();
    // As in one process that holds several apps.
    for (let app = 0; app < 2; app++) watchClock(health, metrics, () => aheadMs);
    expect(await health.readiness()).toEqual({ status: 'ready', checks: {}, ...(clock && { warnings: { clock } }) });
    expect(await metrics.metrics()).toContain(`\nlienthong_clock_ahead_seconds ${aheadMs / 1000}\n`);
  });
});
