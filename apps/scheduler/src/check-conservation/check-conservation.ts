import { ConservationStore } from '@lienthong/persistence';
import { Log, Metrics } from '@lienthong/runtime';
import { Inject, Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';

type Equation = 'packets' | 'deliveries' | 'audit';

/**
 * Does the platform still have everything that it took? begun = finished + live; every scheduled packet has a live delivery; what was told is in the audit
 * log. A difference is never right: it is told by a metric and, each time it changes, by an error in the log.
 */
@Injectable()
export class CheckConservation {
  private readonly drift: Gauge<'equation'>;
  private readonly count: Gauge<'of'>;
  private said = '';

  constructor(
    @Inject(ConservationStore) private readonly store: Pick<ConservationStore, 'balance' | 'unaudited' | 'sumUp'>,
    @Inject(Log) private readonly log: Pick<Log, 'error' | 'info'>,
    @Inject(Metrics) metrics: Metrics,
  ) {
    const registers = [metrics];
    this.drift = new Gauge({
      name: 'lienthong_conservation_drift',
      help: 'Packets or audit entries by which the books do not balance: 0, or something is wrong',
      labelNames: ['equation'],
      registers,
    });
    this.count = new Gauge({
      name: 'lienthong_packets',
      help: 'Packets that began, that are finished, that are live, and those finished whose content is still to be deleted',
      labelNames: ['of'],
      registers,
    });
  }

  async check(): Promise<Record<Equation, number>> {
    const [{ stranded, ...of }, audit] = await Promise.all([this.store.balance(), this.store.unaudited()]);
    for (const [name, n] of Object.entries(of)) this.count.set({ of: name }, n);
    const drift = { packets: of.begun - of.finished - of.live, deliveries: stranded, audit };
    for (const [equation, n] of Object.entries(drift)) this.drift.set({ equation }, n);
    this.tell(drift, of);
    await this.store.sumUp();
    return drift;
  }

  private tell(drift: Record<Equation, number>, of: object): void {
    const now = Object.values(drift).every((n) => n === 0) ? '' : JSON.stringify(drift);
    if (now === this.said) return;
    this.said = now;
    if (now) this.log.error({ step: 'check-conservation', drift, ...of }, 'check-conservation failed');
    else this.log.info({ step: 'check-conservation', ...of }, 'check-conservation done');
  }
}
