import { Gauge } from 'prom-client';
import { Metrics } from './metrics';

describe('Metrics', () => {
  it('leave out a gauge that cannot be read, and tell the others', async () => {
    const metrics = new Metrics();
    const collect = () => Promise.reject(new Error('no database'));
    const gauges = [
      new Gauge({ name: 'away', help: 'x', registers: [], collect }),
      new Gauge({ name: 'here', help: 'y', registers: [] }),
    ];
    for (const gauge of gauges) metrics.registerMetric(gauge);
    gauges[1].set(7);
    const text = await metrics.metrics();
    expect(text).toContain('# HELP here y\n# TYPE here gauge\nhere 7\n');
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).not.toContain('away');
    expect(text).toMatch(/[^\n]\n$/);
  });
});
