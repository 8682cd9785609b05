import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

/** How often the delay of the event loop is looked at, for the metrics; each look wakes the process. */
const LOOP_LOOK_MS = 50;

/** The metrics of a process: inject it and register with `new Counter({ …, registers: [metrics] })`. */
export class Metrics extends Registry {
  readonly requests: Histogram<'method' | 'route' | 'status'>;

  constructor() {
    super();
    collectDefaultMetrics({ register: this, eventLoopMonitoringPrecision: LOOP_LOOK_MS });
    this.requests = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Duration of HTTP requests by method, route pattern and status',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers: [this],
    });
  }

  /**
   * Counts how a step ends, in one counter for all steps of a kind, which apps that share a process share too. Every outcome is there from the start, with 0:
   * a rate can be taken of it before it happens for the first time.
   */
  tally<Outcome extends string>(
    { name, help }: { name: string; help: string },
    step: string,
    outcomes: readonly Outcome[],
  ): (outcome: Outcome, count?: number) => void {
    const known = this.getSingleMetric(name) as Counter<'step' | 'outcome'> | undefined;
    const counter = known ?? new Counter({ name, help, labelNames: ['step', 'outcome'], registers: [this] });
    for (const outcome of outcomes) counter.inc({ step, outcome }, 0);
    return (outcome, count = 1) => counter.inc({ step, outcome }, count);
  }

  /** A gauge that cannot be read, because its database is away, is left out: the others are needed most in an outage. */
  override async metrics(): Promise<string> {
    const texts = await Promise.allSettled(
      this.getMetricsAsArray().map(({ name }) => this.getSingleMetricAsString(name)),
    );
    return `${texts.flatMap((text) => (text.status === 'fulfilled' ? [text.value] : [])).join('\n\n')}\n`;
  }
}
