import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Each look wakes the process: at 10 ms an idle one spends 4 to 9 ms of processor a second on it. Twenty looks to a window of half a second let two of them be late. */
const RESOLUTION_MS = 25;

/** How late this process is with what is due, read once per window: nine in ten turns, so that one long garbage collection alarms nobody. */
export class LoopLag {
  private readonly histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  start(): void {
    this.histogram.enable();
  }

  stop(): void {
    this.histogram.disable();
  }

  /** @returns ms since the last call */
  read(): number {
    const ms = this.histogram.count === 0 ? 0 : this.histogram.percentile(90) / 1e6 - RESOLUTION_MS;
    this.histogram.reset();
    return Math.max(0, ms);
  }
}
