import { Logger } from '@nestjs/common';
import type { ConfirmChannel, Message } from 'amqplib';
import { CONFIRM_MS, laneOf } from '../lanes';
import type { QueuedTask } from '../queue';
import { within } from '../trouble';
import { bodyOf, propertiesOf } from './rabbitmq-message';
import { closeQuietly, type RabbitmqConnection } from './rabbitmq-connection';
import { declareAll } from './rabbitmq-topology';

/** Messages sent and not yet confirmed, at most; the next one waits. */
const IN_FLIGHT = 1000;

/** The outbox tries again far sooner: when this long nothing was overdue, there was nothing to send, and nothing is owed. */
const OVERDUE_MS = 60_000;

/** Sends with publisher confirms; keeps nothing: what is not confirmed is the outbox's to send again. */
export class RabbitmqPublisher {
  private readonly logger = new Logger('RabbitmqQueue');
  private line: Line | undefined;
  /** When a confirm was overdue last, if none has come since: one message at a time, until the broker proves that it answers. */
  private overdueAt?: number;

  constructor(
    private readonly connection: RabbitmqConnection,
    private readonly prefix: string,
    signal: AbortSignal,
    ready: () => void,
  ) {
    connection.keepConfirmChannel(async (channel) => {
      await declareAll(channel, prefix);
      const line = new Line(channel);
      channel.on('return', (message: Message) => this.unroutable(line, message));
      channel.once('close', () => {
        if (this.line === line) this.line = undefined;
      });
      this.line = line;
      ready();
    }, signal);
  }

  /** @throws when nothing can be sent, or when the broker has let a confirm become overdue in the last minute and given none since. */
  check(): void {
    this.usable();
    if (this.overdueAt !== undefined && performance.now() - this.overdueAt < OVERDUE_MS)
      throw new Error('RabbitMQ has not confirmed the last message in time.');
  }

  async send(tasks: QueuedTask[]): Promise<string[]> {
    const line = this.usable();
    const taken: string[] = [];
    try {
      await within(CONFIRM_MS, 'RabbitMQ did not confirm in time.', this.sendOn(line, tasks, taken));
    } catch (error) {
      // On a full disk RabbitMQ answers nothing at all: the channel is given up, or its unconfirmed messages would pile up.
      this.overdueAt = performance.now();
      this.logger.warn((error as Error).message);
      if (this.line === line) this.line = undefined;
      line.abandon();
    }
    return [...taken];
  }

  private async sendOn(line: Line, tasks: QueuedTask[], taken: string[]): Promise<void> {
    const confirms: Promise<void>[] = [];
    for (const queued of tasks) {
      await line.room(this.overdueAt === undefined ? IN_FLIGHT : 1);
      if (line.abandoned) break;
      const confirm = line.publish(laneOf(this.prefix, queued), queued).then((confirmed) => {
        if (!confirmed) return;
        this.overdueAt = undefined;
        taken.push(queued.id);
      });
      confirms.push(confirm);
    }
    await Promise.all(confirms);
  }

  /** Somebody deleted the queue: the message is not taken, the queues are declared anew for its next try. */
  private unroutable(line: Line, { fields, properties }: Message): void {
    line.returned.add(properties.messageId);
    if (line.declaring) return;
    this.logger.warn(`RabbitMQ has no queue ${fields.routingKey}; declaring it again.`);
    line.declaring = true;
    declareAll(line.channel, this.prefix)
      .catch(() => undefined)
      .finally(() => (line.declaring = false));
  }

  private usable(): Line {
    if (!this.line) throw new Error('RabbitMQ is not connected.');
    if (this.connection.blocked !== null)
      throw new Error(`RabbitMQ takes nothing for now (${this.connection.blocked}).`);
    return this.line;
  }
}

/** One confirm channel and what is under way on it. */
class Line {
  readonly returned = new Set<unknown>();
  declaring = false;
  abandoned = false;
  private inFlight = 0;
  private waiting: (() => void)[] = [];

  constructor(readonly channel: ConfirmChannel) {}

  /** @returns when fewer than `limit` messages are unconfirmed, or the channel was given up. */
  async room(limit: number): Promise<void> {
    while (this.inFlight >= limit && !this.abandoned) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** @returns true when the broker has durably taken the message. A returned (unroutable) one is confirmed all the same, after its return. */
  async publish(queue: string, queued: QueuedTask): Promise<boolean> {
    this.inFlight++;
    const confirmed = await new Promise<boolean>((resolve) => {
      try {
        this.channel.publish('', queue, bodyOf(queued), propertiesOf(queued), (error) => resolve(!error));
      } catch {
        resolve(false);
      }
    });
    this.inFlight--;
    this.wake();
    return !this.returned.delete(queued.id) && confirmed;
  }

  abandon(): void {
    this.abandoned = true;
    this.wake();
    void closeQuietly(this.channel);
  }

  private wake(): void {
    for (const resume of this.waiting.splice(0)) resume();
  }
}
