import { Transactions } from '@lienthong/persistence';
import { Queue } from '@lienthong/queue';
import { HealthChecks } from '@lienthong/runtime';
import { type DynamicModule, Module } from '@nestjs/common';
import { AcceptStreamGateway } from './accept-stream/accept-stream.gateway';
import { StreamTicketsController } from './accept-stream/stream-tickets.controller';
import { NotifierOptions } from './notifier.config';
import { NotifyDestination } from './notify-destination/notify-destination';
import { NotifyDestinationConsumer } from './notify-destination/notify-destination.consumer';
import { NumberEventsTimer } from './number-events/number-events.timer';

/** The real-time notification service (C5). Needs persistence, queue and identity beside it in the process. */
@Module({
  controllers: [StreamTicketsController, NotifyDestinationConsumer],
  providers: [AcceptStreamGateway, NotifyDestination, NumberEventsTimer],
})
export class NotifierModule {
  constructor(health: HealthChecks, transactions: Transactions, queue: Queue) {
    health.register('database', async () => void (await transactions.query('SELECT 1')));
    health.register('queue', () => queue.check());
  }

  static for(options: NotifierOptions): DynamicModule {
    return { module: NotifierModule, providers: [{ provide: NotifierOptions, useValue: options }] };
  }
}
