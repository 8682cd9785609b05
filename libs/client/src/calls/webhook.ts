import type { NewWebhook, SetWebhook, WebhookView } from '@lienthong/contracts';
import type { Connection } from '../transport/connection';

const path = '/v1/webhook';

/** The system's webhook (protocol 7). */
export class WebhookCalls {
  constructor(private readonly connection: Pick<Connection, 'call'>) {}

  /** Verifies the address by a test event, then has events posted to it. The secret is in the answer this once. */
  set(webhook: NewWebhook): Promise<SetWebhook> {
    return this.connection.call({ method: 'PUT', path, body: { ...webhook } });
  }

  show(): Promise<WebhookView> {
    return this.connection.call({ method: 'GET', path });
  }

  remove(): Promise<void> {
    return this.connection.call({ method: 'DELETE', path });
  }
}
