import type { Rewrap } from '@lienthong/contracts';
import { DAY_KEY_ROOT, rewrapWebhookSecret, SecretBox } from '@lienthong/identity';
import { DayKeyRootStore, KeyStore, WebhookSecretStore } from '@lienthong/persistence';
import { Inject, Injectable } from '@nestjs/common';

const BATCH = 500;

/**
 * Puts every secret under the master key that seals now, while the platform runs: first all processes of auth know both (OTHER_MASTER_KEYS), then this,
 * then the former one is forgotten. Secrets themselves do not change. May be repeated, and broken off.
 */
@Injectable()
export class RewrapSecrets {
  constructor(
    @Inject(KeyStore) private readonly keys: Pick<KeyStore, 'sealedOtherwise' | 'rewrap'>,
    @Inject(DayKeyRootStore) private readonly roots: Pick<DayKeyRootStore, 'find' | 'rewrap'>,
    @Inject(WebhookSecretStore) private readonly webhooks: Pick<WebhookSecretStore, 'sealedOtherwise' | 'rewrap'>,
    @Inject(SecretBox) private readonly box: Pick<SecretBox, 'mark' | 'rewrap'>,
  ) {}

  /** @throws WrongMasterKeyError for a secret under a master key that this process does not know: nothing is changed in its batch */
  async pass(): Promise<Rewrap> {
    let rewrapped = ((await this.rewrapRoot()) ? 1 : 0) + (await this.rewrapWebhooks());
    let after = '';
    for (;;) {
      const keys = await this.keys.sealedOtherwise(this.box.mark, after, BATCH);
      if (keys.length === 0) return { rewrapped };
      rewrapped += await this.keys.rewrap(
        keys.map((key) => ({ ...key, rewrapped: this.box.rewrap(key, key.sealedSecret) })),
      );
      after = keys[keys.length - 1].accessKey;
    }
  }

  private async rewrapWebhooks(): Promise<number> {
    for (let rewrapped = 0, after = ''; ;) {
      const sealed = await this.webhooks.sealedOtherwise(this.box.mark, after, BATCH);
      if (sealed.length === 0) return rewrapped;
      rewrapped += await this.webhooks.rewrap(
        sealed.map((one) => ({ ...one, rewrapped: rewrapWebhookSecret(this.box, one, one.sealed) })),
      );
      after = sealed[sealed.length - 1].webhookId;
    }
  }

  private async rewrapRoot(): Promise<boolean> {
    const root = await this.roots.find();
    if (!root || root.subarray(0, this.box.mark.length).equals(this.box.mark)) return false;
    return this.roots.rewrap(root, this.box.rewrap(DAY_KEY_ROOT, root));
  }
}
