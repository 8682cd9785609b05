import type { TaskKind } from '@lienthong/contracts';
import type { Channel, Message } from 'amqplib';
import { CONFIRM_MS, deadQueue, lanesOf } from '../lanes';
import { type Consumption, type DeadLetter, type Depth, Queue, type QueuedTask, type TaskOutcome } from '../queue';
import { closeQuietly, RabbitmqConnection } from './rabbitmq-connection';
import { RabbitmqConsumption } from './rabbitmq-consumption';
import { readMessage, wasAnswered } from './rabbitmq-message';
import { RabbitmqPublisher } from './rabbitmq-publisher';
import { declareAll } from './rabbitmq-topology';
import { within } from '../trouble';

export interface RabbitmqQueueOptions {
  /** `amqp://` or `amqps://`, with credentials and virtual host. */
  url: string;
  /** First word of every queue's name. Default `lienthong`. */
  prefix?: string;
}

/** Tasks in RabbitMQ (3.10 or later) quorum queues, one per kind and priority: a quorum queue has no priorities of its own before 4.x. */
export class RabbitmqQueue extends Queue {
  private readonly prefix: string;
  private readonly closing = new AbortController();
  private sending: RabbitmqConnection | undefined;
  private publisher: RabbitmqPublisher | undefined;
  /** Apart from the sending one: a broker in alarm stops reading a connection that publishes, acknowledgements and all. */
  private consuming: Promise<RabbitmqConnection> | undefined;

  constructor(private readonly options: RabbitmqQueueOptions) {
    super();
    this.prefix = options.prefix ?? 'lienthong';
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const sending = new RabbitmqConnection(this.options.url, 'lienthong sending', (sentence) =>
        reject(new Error(`${sentence} Tasks wait; trying again until it answers.`)),
      );
      this.sending = sending;
      sending
        .start()
        .then(() => (this.publisher = new RabbitmqPublisher(sending, this.prefix, this.closing.signal, resolve)))
        .catch(reject);
    });
  }

  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all([this.sending?.close(), this.consuming?.then((connection) => connection.close())]);
  }

  async check(): Promise<void> {
    this.sender().check();
  }

  async send(tasks: QueuedTask[]): Promise<string[]> {
    return tasks.length === 0 ? [] : this.sender().send(tasks);
  }

  async consume(kind: TaskKind, handle: (queued: QueuedTask) => Promise<TaskOutcome>): Promise<Consumption> {
    this.consuming ??= this.connectConsuming();
    return new RabbitmqConsumption(await this.consuming, this.prefix, lanesOf(this.prefix, kind), handle);
  }

  /** RabbitMQ tells no quorum queue's oldest message without taking it out; the outbox and the sweeper know how long a task has waited. */
  async depths(): Promise<Depth[]> {
    const counts = await this.onChannel((channel) => declareAll(channel, this.prefix));
    return [...counts].map(([queue, ready]) => ({ queue, ready, oldestSeconds: null }));
  }

  /** Takes and gives back, for AMQP has no look without a touch: two callers at once see parts. */
  async dead(limit: number): Promise<DeadLetter[]> {
    return this.onChannel(async (channel) => {
      const letters: DeadLetter[] = [];
      while (letters.length < limit) {
        const message = await channel.get(deadQueue(this.prefix));
        if (!message) break;
        letters.push(readMessage(message));
      }
      return letters;
    });
  }

  async clearDead(limit: number, record: (givenUp: QueuedTask[]) => Promise<void>): Promise<number> {
    // A broker in alarm reads nothing of this connection: channels would pile up that wait for its end.
    this.sender().check();
    const clearing = this.onChannel(async (channel) => {
      const tasks: Message[] = [];
      const givenUp: QueuedTask[] = [];
      for (let seen = 0; seen < limit; seen++) {
        const message = await channel.get(deadQueue(this.prefix));
        if (!message) break;
        const { task, ...rest } = readMessage(message);
        // What is no task goes back with the channel, for a person to look at.
        if (!task) continue;
        tasks.push(message);
        if (!wasAnswered(message)) givenUp.push({ ...rest, task });
      }
      if (givenUp.length > 0) await record(givenUp);
      for (const message of tasks) channel.ack(message);
      return tasks.length;
    });
    return within(CONFIRM_MS, 'RabbitMQ did not answer in time.', clearing);
  }

  private async connectConsuming(): Promise<RabbitmqConnection> {
    const connection = new RabbitmqConnection(this.options.url, 'lienthong consuming');
    await connection.start();
    return connection;
  }

  private async onChannel<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    if (!this.sending) throw new Error('The queue is not open.');
    const channel = await this.sending.channel();
    try {
      return await work(channel);
    } finally {
      await closeQuietly(channel);
    }
  }

  private sender(): RabbitmqPublisher {
    if (!this.publisher) throw new Error('The queue is not open.');
    return this.publisher;
  }
}
