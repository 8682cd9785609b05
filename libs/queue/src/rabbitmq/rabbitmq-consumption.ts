import { Logger } from '@nestjs/common';
import type { Channel, ConsumeMessage } from 'amqplib';
import { type Lane, SHARES } from '../lanes';
import type { Consumption, QueuedTask, TaskOutcome } from '../queue';
import { pause, Trouble } from '../trouble';
import { readMessage } from './rabbitmq-message';
import { closeQuietly, type RabbitmqConnection } from './rabbitmq-connection';
import { declareDead, declareLane } from './rabbitmq-topology';

/** One kind: a channel and a consumer per priority, so that the server's closing of one (a deleted queue) does not disturb the others. */
export class RabbitmqConsumption implements Consumption {
  private readonly consumers: LaneConsumer[];
  private readonly stopping = new AbortController();

  constructor(
    connection: RabbitmqConnection,
    prefix: string,
    lanes: Lane[],
    handle: (queued: QueuedTask) => Promise<TaskOutcome>,
  ) {
    const trouble = new Trouble();
    this.consumers = lanes.map(
      (lane) => new LaneConsumer(connection, prefix, lane, handle, trouble, this.stopping.signal),
    );
  }

  attached(): boolean {
    return this.consumers.every((consumer) => consumer.attached());
  }

  async stop(drainMs: number): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.consumers.map((consumer) => consumer.stop(drainMs)));
  }
}

interface Subscription {
  channel: Channel;
  tag: string;
}

class LaneConsumer {
  private readonly logger = new Logger('RabbitmqQueue');
  private readonly running = new Set<Promise<void>>();
  private subscription: Subscription | undefined;

  constructor(
    connection: RabbitmqConnection,
    private readonly prefix: string,
    private readonly lane: Lane,
    private readonly handle: (queued: QueuedTask) => Promise<TaskOutcome>,
    private readonly trouble: Trouble,
    private readonly stopping: AbortSignal,
  ) {
    connection.keepChannel((channel) => this.subscribe(channel), stopping);
  }

  attached(): boolean {
    return this.subscription !== undefined;
  }

  /** What still runs after `drainMs` comes again: closing the channel returns it. */
  async stop(drainMs: number): Promise<void> {
    const subscription = this.subscription;
    this.subscription = undefined;
    const clock = new AbortController();
    await Promise.race([this.drain(subscription), pause(drainMs, clock.signal)]);
    clock.abort();
    if (subscription) await closeQuietly(subscription.channel);
  }

  private async drain(subscription: Subscription | undefined): Promise<void> {
    await subscription?.channel.cancel(subscription.tag).catch(() => undefined);
    await Promise.all(this.running);
  }

  private async subscribe(channel: Channel): Promise<void> {
    channel.once('close', () => {
      if (this.subscription?.channel === channel) this.subscription = undefined;
    });
    await declareDead(channel, this.prefix);
    await declareLane(channel, this.prefix, this.lane);
    await channel.prefetch(SHARES[this.lane.priority]);
    const { consumerTag } = await channel.consume(this.lane.queue, (message) => this.receive(channel, message));
    if (this.stopping.aborted) await closeQuietly(channel);
    else this.subscription = { channel, tag: consumerTag };
  }

  private receive(channel: Channel, message: ConsumeMessage | null): void {
    if (message === null) {
      // The server's way to say that this consumer is gone (queue deleted, leader lost): start over.
      this.logger.warn(`RabbitMQ cancelled the consumer of ${this.lane.queue}; subscribing again.`);
      void closeQuietly(channel);
      return;
    }
    const work = this.work(channel, message).finally(() => this.running.delete(work));
    this.running.add(work);
  }

  private async work(channel: Channel, message: ConsumeMessage): Promise<void> {
    const { task, ...rest } = readMessage(message, this.lane.kind);
    if (!task) {
      this.logger.error(`A message in ${this.lane.queue} is not a task of that kind: moved to the dead letters.`);
      answer(() => channel.nack(message, false, false));
      return;
    }
    try {
      const outcome = await this.handle({ ...rest, task, priority: this.lane.priority });
      this.trouble.over();
      answer(() => (outcome === 'dead' ? channel.nack(message, false, false) : channel.ack(message)));
    } catch {
      await this.trouble.wait(this.stopping);
      answer(() => channel.nack(message, false, true));
    }
  }
}

/** On a channel that was lost meanwhile amqplib throws: the broker has taken the message back, it comes again. */
function answer(give: () => void): void {
  try {
    give();
  } catch {
    // Nothing is lost.
  }
}
