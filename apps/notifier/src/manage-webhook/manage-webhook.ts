import { LienThongError, LIMITS, type NewWebhook, type SetWebhook, type WebhookView } from '@lienthong/contracts';
import { WEBHOOK_VERIFICATION } from '@lienthong/contracts';
import { WebhookSecrets } from '@lienthong/identity';
import { DatabaseClock, type StoredWebhook, WebhookStore } from '@lienthong/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { CallWebhooksTimer } from '../call-webhooks/call-webhooks.timer';
import { signedHeaders } from '../calling/signed-message';
import { WebhookRequests } from '../calling/webhook-requests';
import { NotifierOptions } from '../notifier.config';

/** After the secret was exchanged, both sign for so long. */
const OVERLAP_SECONDS = 86_400;

/** The webhook of a system: set, with a test event that must be answered first; read; removed. */
@Injectable()
export class ManageWebhook {
  constructor(
    @Inject(WebhookStore) private readonly webhooks: Pick<WebhookStore, 'find' | 'set' | 'remove'>,
    @Inject(WebhookSecrets) private readonly secrets: Pick<WebhookSecrets, 'make' | 'open'>,
    @Inject(WebhookRequests) private readonly requests: Pick<WebhookRequests, 'addressOf' | 'post'>,
    @Inject(CallWebhooksTimer) private readonly calls: Pick<CallWebhooksTimer, 'watch'>,
    @Inject(NotifierOptions) private readonly options: Pick<NotifierOptions, 'publicUrl'>,
    @Inject(DatabaseClock) private readonly clock: Pick<DatabaseClock, 'now'>,
  ) {}

  /** @throws LienThongError webhook_address_refused, webhook_unverified: nothing has changed then; unavailable */
  async set(systemId: string, { url: asked, events }: NewWebhook): Promise<SetWebhook> {
    const url = this.requests.addressOf(asked);
    if (url === undefined) throw new LienThongError('webhook_address_refused');
    const former = await this.webhooks.find(systemId);
    const webhookId = uuidv7();
    const { secret, sealed } = await this.secrets.make({ webhookId, systemId });
    const same = former?.view.url === url ? await this.secretOf(systemId, former) : [];
    await this.verify(url, [secret, ...same]);
    const { view, formerUntil } = await this.webhooks.set(
      { webhookId, systemId, url, events: events ?? null, sealed },
      OVERLAP_SECONDS,
    );
    this.calls.watch(systemId);
    return { ...view, secret, formerSecretUntil: formerUntil };
  }

  /** @throws LienThongError not_found */
  async show(systemId: string): Promise<WebhookView> {
    const webhook = await this.webhooks.find(systemId);
    if (!webhook) throw new LienThongError('not_found');
    return webhook.view;
  }

  /** @throws LienThongError not_found */
  async remove(systemId: string): Promise<void> {
    if (!(await this.webhooks.remove(systemId))) throw new LienThongError('not_found');
  }

  private async secretOf(systemId: string, { webhookId, sealed }: StoredWebhook): Promise<string[]> {
    return [await this.secrets.open({ webhookId, systemId }, sealed)];
  }

  /** The receiver cannot know a new secret yet: what is asked is that it answers, not that it checks. */
  private async verify(url: string, secrets: readonly string[]): Promise<void> {
    const id = uuidv7();
    const now = this.clock.now();
    const body = JSON.stringify({
      specversion: '1.0',
      id,
      source: this.options.publicUrl,
      type: WEBHOOK_VERIFICATION,
      time: new Date(now).toISOString(),
      datacontenttype: 'application/json',
      data: {},
    });
    const outcome = await this.requests.post(url, signedHeaders(secrets, id, body, now), body);
    if (outcome.ok) return;
    // Who asks must not learn which names exist inside the platform's network.
    if (outcome.error === 'address_refused' || outcome.error === 'name_unknown')
      throw new LienThongError('webhook_address_refused');
    throw new LienThongError('webhook_unverified', { seconds: LIMITS.webhookAnswerSeconds, error: outcome.error });
  }
}
