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

  it('tally the steps of several apps in one counter, every outcome from 0', async () => {
    const metrics = new Metrics();
    const definition = { name: 'ladder_total', help: 'x' };
    const webhook = metrics.tally(definition, 'webhook', ['told', 'failed']);
    const email = metrics.tally(definition, 'email', ['told']);
    webhook('told');
    webhook('told', 2);
    email('told', 5);
    const lines = (await metrics.metrics()).split('\n').filter((line) => line.startsWith('ladder_total'));
    expect(lines).toEqual([
      'ladder_total{step="webhook",outcome="told"} 3',
      'ladder_total{step="webhook",outcome="failed"} 0',
      'ladder_total{step="email",outcome="told"} 5',
    ]);
  });
});
