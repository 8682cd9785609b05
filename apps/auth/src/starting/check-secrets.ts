import { SecretBox } from '@lienthong/identity';
import { KeyStore, PlatformKeyStore, WrongSecretError } from '@lienthong/persistence';
import { BootError } from '@lienthong/runtime';
import { newPlatformKey } from '@lienthong/signing';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';

/** A process with the wrong secrets would refuse every key, one by one; it must not start. Also makes the platform's first signing key. */
@Injectable()
export class CheckSecrets implements OnModuleInit {
  constructor(
    @Inject(KeyStore) private readonly keys: Pick<KeyStore, 'newestSealed'>,
    @Inject(SecretBox) private readonly box: Pick<SecretBox, 'open'>,
    @Inject(PlatformKeyStore) private readonly platformKeys: Pick<PlatformKeyStore, 'current'>,
  ) {}

  /** @throws BootError in one sentence */
  async onModuleInit(): Promise<void> {
    const newest = await this.keys.newestSealed();
    try {
      if (newest) this.box.open(newest, newest.sealedSecret);
    } catch {
      throw new BootError(
        'MASTER_KEY does not open the secrets of this database: they were sealed under another. Set the former MASTER_KEY again.',
      );
    }
    await this.platformKeys.current(newPlatformKey).catch((error: unknown) => {
      throw error instanceof WrongSecretError ? new BootError(error.message) : error;
    });
  }
}
