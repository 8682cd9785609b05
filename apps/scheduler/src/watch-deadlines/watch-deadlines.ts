import { GiveUp, UndeliverableStore, WatchStore } from '@lienthong/persistence';
import { Log, Metrics } from '@lienthong/runtime';
import { Inject, Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { SchedulerOptions } from '../scheduler.config';

const BATCH = 200;

/**
 * Ends what was not confirmed by its deadline and reports back to the source, so that it decides (Q11). More deliveries at once than are to be
 * expected are the work of a wrong clock rather than of destinations: beyond the bound they wait, and the alarm is raised (reliability 12).
 */
@Injectable()
export class WatchDeadlines {
  private readonly held: Gauge;

  constructor(
    @Inject(WatchStore) private readonly watch: Pick<WatchStore, 'overdue'>,
    @Inject(UndeliverableStore) private readonly undeliverable: Pick<UndeliverableStore, 'endedLastMinute' | 'live'>,
    @Inject(GiveUp) private readonly giveUp: Pick<GiveUp, 'overdue'>,
    @Inject(SchedulerOptions) private readonly options: Pick<SchedulerOptions, 'expiry'>,
    @Inject(Log) private readonly log: Pick<Log, 'error'>,
    metrics: Metrics,
  ) {
    this.held = new Gauge({
      name: 'lienthong_expiry_held',
      help: '1 while deliveries past their deadline wait because more than the bound ended in a minute: look at the clocks',
      registers: [metrics],
    });
  }

  /** @returns deliveries that were given up */
  async pass(): Promise<number> {
    for (let ended = 0; ;) {
      const packetIds = await this.watch.overdue(BATCH);
      let room = packetIds.length > 0 ? await this.room() : 0;
      for (const packetId of packetIds) {
        if (room <= 0) room = await this.room();
        if (room <= 0) return this.hold(ended);
        const now = await this.giveUp.overdue(packetId);
        ended += now;
        room -= now;
      }
      if (packetIds.length < BATCH) {
        this.held.set(0);
        return ended;
      }
    }
  }

  /** How many more may end in this minute; a packet may exceed it with its last recipients. */
  private async room(): Promise<number> {
    const { leastPerMinute, percentPerMinute } = this.options.expiry;
    const ended = await this.undeliverable.endedLastMinute();
    if (ended < leastPerMinute) return leastPerMinute - ended;
    return Math.floor(((await this.undeliverable.live()) * percentPerMinute) / 100) - ended;
  }

  private hold(ended: number): number {
    this.held.set(1);
    const { leastPerMinute, percentPerMinute } = this.options.expiry;
    const facts = { ended, leastPerMinute, percentPerMinute };
    this.log.error(facts, 'too many deliveries reach their deadline at once; the others wait: look at the clocks');
    return ended;
  }
}
