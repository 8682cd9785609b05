import { DatabaseClock, Transactions } from '@lienthong/persistence';
import { HealthChecks, Metrics, watchClock } from '@lienthong/runtime';
import { type DynamicModule, Module } from '@nestjs/common';
import { AcceptStreamGateway } from './accept-stream/accept-stream.gateway';
import { PlainStreamController } from './accept-stream/plain-stream.controller';
import { StreamTicketsController } from './accept-stream/stream-tickets.controller';
import { CallWebhooksTimer } from './call-webhooks/call-webhooks.timer';
import { SendTurn } from './call-webhooks/send-turn';
import { WebhookRequests } from './calling/webhook-requests';
import { ManageWebhook } from './manage-webhook/manage-webhook';
import { ManageWebhookController } from './manage-webhook/manage-webhook.controller';
import { NotifierOptions } from './notifier.config';
import { NotifyDestination } from './notify-destination/notify-destination';
import { NotifyDestinationConsumer } from './notify-destination/notify-destination.consumer';
import { Mailer } from './send-email/mailer';
import { SendEmail } from './send-email/send-email';
import { SendEmailTimer } from './send-email/send-email.timer';
import { NumberEventsTimer } from './number-events/number-events.timer';

/** The real-time notification service (C5). Needs persistence, queue and identity beside it in the process. */
@Module({
  controllers: [StreamTicketsController, PlainStreamController, NotifyDestinationConsumer, ManageWebhookController],
  providers: [
    AcceptStreamGateway,
    NotifyDestination,
    NumberEventsTimer,
    SendEmail,
    SendEmailTimer,
    ManageWebhook,
    CallWebhooksTimer,
    SendTurn,
  ],
})
export class NotifierModule {
  /** The broker is no condition: without it packets are still taken and streams still served; the outbox waits. */
  constructor(health: HealthChecks, transactions: Transactions, metrics: Metrics, clock: DatabaseClock) {
    health.register('database', async () => void (await transactions.query('SELECT 1')));
    watchClock(health, metrics, () => clock.aheadMs());
  }

  static for(options: NotifierOptions): DynamicModule {
    return {
      module: NotifierModule,
      providers: [
        { provide: NotifierOptions, useValue: options },
        { provide: Mailer, useValue: new Mailer(options.smtp) },
        { provide: WebhookRequests, useFactory: () => new WebhookRequests(options.webhooks) },
      ],
    };
  }
}

export { mailSettings, notifierOptionsOf, streamSettings, webhookSettings } from './notifier.config';
