import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** The metrics of a process: inject it and register with `new Counter({ …, registers: [metrics] })`. */
export class Metrics extends Registry {
  readonly requests: Histogram<'method' | 'route' | 'status'>;

  constructor() {
    super();
    collectDefaultMetrics({ register: this });
    this.requests = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Duration of HTTP requests by method, route pattern and status',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers: [this],
    });
  }

  /** A gauge that cannot be read, because its database is away, is left out: the others are needed most in an outage. */
  override async metrics(): Promise<string> {
    const texts = await Promise.allSettled(
      this.getMetricsAsArray().map(({ name }) => this.getSingleMetricAsString(name)),
    );
    return `${texts.flatMap((text) => (text.status === 'fulfilled' ? [text.value] : [])).join('\n\n')}\n`;
  }
}
