import { LienThongError } from '@lienthong/contracts';
import { randomBytes } from 'node:crypto';
import { type AskAuth, WEBHOOK_SECRETS } from './ask-auth';
import type { SecretBox } from './secret-box';

/** Whose secret: the box opens for this webhook of this system alone. */
export interface WebhookOwner {
  webhookId: string;
  systemId: string;
}

export interface MadeSecret {
  /** `whsec_` and base64, the form of Standard Webhooks. */
  secret: string;
  sealed: Buffer;
}

/** 192 bits: the length that Standard Webhooks names first. */
const SECRET_BYTES = 24;
/** How long a process that asked keeps a secret: its webhooks go on for so long while auth is gone. */
const KEPT_MS = 300_000;

/** Secrets that sign webhooks. They are sealed under the master key as those of access keys are, so that the database alone signs nothing. */
export abstract class WebhookSecrets {
  /** @throws LienThongError unavailable when auth must be asked and does not answer */
  abstract make(owner: WebhookOwner): Promise<MadeSecret>;
  /** @throws LienThongError unavailable as {@link make}; Error for a box of another webhook or master key */
  abstract open(owner: WebhookOwner, sealed: Buffer): Promise<string>;
}

/** What a webhook's secret is sealed as. No access key has a blank in its name: one is never taken for the other. */
const ownerOf = ({ webhookId, systemId }: WebhookOwner) => ({ accessKey: `webhook ${webhookId}`, systemId });

/** For the process that holds the master key. */
export class LocalWebhookSecrets extends WebhookSecrets {
  constructor(private readonly box: Pick<SecretBox, 'seal' | 'open'>) {
    super();
  }

  async make(owner: WebhookOwner): Promise<MadeSecret> {
    const secret = `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
    return { secret, sealed: this.box.seal(ownerOf(owner), secret) };
  }

  async open(owner: WebhookOwner, sealed: Buffer): Promise<string> {
    return this.box.open(ownerOf(owner), sealed);
  }
}

/** The same secrets under the master key that seals now. */
export const rewrapWebhookSecret = (box: Pick<SecretBox, 'rewrap'>, owner: WebhookOwner, sealed: Buffer): Buffer =>
  box.rewrap(ownerOf(owner), sealed);

/** For the notifier, which holds no master key: asks auth's internal port, and keeps for five minutes what it was told. */
export class RemoteWebhookSecrets extends WebhookSecrets {
  private readonly kept = new Map<string, { secret: string; until: number }>();

  constructor(
    private readonly auth: Pick<AskAuth, 'ask'>,
    private readonly now: () => number = () => performance.now(),
  ) {
    super();
  }

  make(owner: WebhookOwner): Promise<MadeSecret> {
    return this.auth.ask(WEBHOOK_SECRETS, owner, (answer) => {
      const { secret, sealed } = answer as { secret?: unknown; sealed?: unknown };
      return typeof secret === 'string' && typeof sealed === 'string'
        ? { secret, sealed: Buffer.from(sealed, 'base64') }
        : undefined;
    });
  }

  async open(owner: WebhookOwner, sealed: Buffer): Promise<string> {
    for (const [id, { until }] of this.kept) if (until <= this.now()) this.kept.delete(id);
    const known = this.kept.get(owner.webhookId);
    if (known) return known.secret;
    const question = { ...owner, sealed: sealed.toString('base64') };
    const secret = await this.auth.ask(WEBHOOK_SECRETS, question, (answer) => {
      const { secret: told } = answer as { secret?: unknown };
      return typeof told === 'string' ? told : undefined;
    });
    this.kept.set(owner.webhookId, { secret, until: this.now() + KEPT_MS });
    return secret;
  }
}

/** The other end of {@link RemoteWebhookSecrets}: with a box it is opened, without one a secret is made. */
export async function answerWebhookSecret(secrets: WebhookSecrets, body: unknown): Promise<object> {
  const { webhookId, systemId, sealed } = (body ?? {}) as Partial<WebhookOwner> & { sealed?: unknown };
  if (typeof webhookId !== 'string' || typeof systemId !== 'string')
    throw new LienThongError('malformed_request', { why: 'webhookId, systemId, sealed' });
  const owner = { webhookId, systemId };
  if (typeof sealed === 'string') return { secret: await secrets.open(owner, Buffer.from(sealed, 'base64')) };
  const made = await secrets.make(owner);
  return { secret: made.secret, sealed: made.sealed.toString('base64') };
}
