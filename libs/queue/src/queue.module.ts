import {
  type DynamicModule,
  Inject,
  Injectable,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { PostgresQueue, type PostgresQueueOptions } from './postgres/postgres-queue';
import { type Outbox, PromptRelay } from './prompt-relay';
import { Queue } from './queue';
import { RabbitmqQueue, type RabbitmqQueueOptions } from './rabbitmq/rabbitmq-queue';

export type QueueSettings =
  ({ driver: 'rabbitmq' } & RabbitmqQueueOptions) | ({ driver: 'postgres' } & PostgresQueueOptions);

/** @returns the queue that the settings name, not yet open. */
export function createQueue(settings: QueueSettings): Queue {
  return settings.driver === 'rabbitmq' ? new RabbitmqQueue(settings) : new PostgresQueue(settings);
}

/** Opens with the application and closes after its handlers have drained (Nest stops microservices before `onApplicationShutdown`). */
@Injectable()
class QueueLifecycle implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Queue');

  constructor(@Inject(Queue) private readonly queue: Queue) {}

  /** A broker that is down must not keep the process from serving: `check()` tells readiness, the queue goes on trying. */
  async onModuleInit(): Promise<void> {
    await this.queue.open().catch((error: Error) => this.logger.error(error.message));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.queue.close();
  }
}

/**
 * Provides the token `Queue`, and the relay that empties the outbox (a token of the caller's) into it. One set of settings is one module to Nest
 * however many importers name it, and however they mean to use it: all of a process shares one queue.
 */
@Module({})
// oxlint-disable-next-line typescript/no-extraneous-class -- the shape that Nest gives to a dynamic module
export class QueueModule {
  private static readonly modules = new Map<string, DynamicModule>();

  static forSending(settings: QueueSettings, outbox: Type<Outbox>): DynamicModule {
    return QueueModule.of(settings, outbox);
  }

  static forConsuming(settings: QueueSettings, outbox: Type<Outbox>): DynamicModule {
    return QueueModule.of(settings, outbox);
  }

  private static of(settings: QueueSettings, outbox: Type<Outbox>): DynamicModule {
    const key = JSON.stringify(Object.entries(settings).toSorted());
    const known = QueueModule.modules.get(key);
    if (known) return known;
    const module: DynamicModule = {
      module: QueueModule,
      global: true,
      providers: [
        { provide: Queue, useFactory: () => createQueue(settings) },
        QueueLifecycle,
        {
          provide: PromptRelay,
          inject: [Queue, outbox],
          useFactory: (queue: Queue, rows: Outbox) => new PromptRelay(queue, rows),
        },
      ],
      exports: [Queue, PromptRelay],
    };
    QueueModule.modules.set(key, module);
    return module;
  }
}
