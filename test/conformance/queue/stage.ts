import { randomBytes } from 'node:crypto';
import type { Consumption, Queue } from '@lienthong/queue';
import { KIND } from './bench';
import type { TcpProxy } from '../../support/tcp-proxy';

/** What a driver's test file brings: its server, and the ways to hurt it. */
export interface Rig {
  /** Between the server and the queues made with `proxied`. */
  proxy: TcpProxy;
  create(prefix: string, proxied?: boolean): Queue;
  /** Puts a body that is no task into a queue, as a stranger would. */
  putGarbage(queue: string): Promise<void>;
  /** Leaves the one task of a queue one delivery from the limit, as processes that died with it would. */
  wearOut(queue: string): Promise<void>;
  /** Within this time a task comes back whose process was lost, in milliseconds. */
  lostProcessMs: number;
}

/** The queues and consumers of one test, under a prefix of their own; `clear` ends them all with the network back. */
export class Stage {
  readonly prefix = `t${randomBytes(5).toString('hex')}`;
  private readonly queues: Queue[] = [];
  private readonly consumptions: Consumption[] = [];

  constructor(readonly rig: Rig) {}

  queue(proxied = false): Queue {
    const queue = this.rig.create(this.prefix, proxied);
    this.queues.push(queue);
    return queue;
  }

  async open(proxied = false): Promise<Queue> {
    const queue = this.queue(proxied);
    await queue.open();
    return queue;
  }

  async consume(queue: Queue, handle: Parameters<Queue['consume']>[1]): Promise<Consumption> {
    const consumption = await queue.consume(KIND, handle);
    this.consumptions.push(consumption);
    return consumption;
  }

  async clear(): Promise<void> {
    this.rig.proxy.resume();
    await this.rig.proxy.cut();
    await this.rig.proxy.open();
    await Promise.all(this.consumptions.map((consumption) => consumption.stop(2000)));
    await Promise.all(this.queues.map((queue) => queue.close()));
  }
}
