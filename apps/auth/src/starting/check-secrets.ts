import { DayKeys, SecretBox, WrongMasterKeyError } from '@lienthong/identity';
import { KeyStore, PlatformKeyStore, type SealedKey, WrongSecretError } from '@lienthong/persistence';
import { BootError } from '@lienthong/runtime';
import { newPlatformKey } from '@lienthong/signing';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';

/** A process with the wrong secrets would refuse every key, one by one; it must not start. Also makes the platform's first signing key and root of day keys. */
@Injectable()
export class CheckSecrets implements OnModuleInit {
  constructor(
    @Inject(KeyStore) private readonly keys: Pick<KeyStore, 'newestSealed'>,
    @Inject(SecretBox) private readonly box: Pick<SecretBox, 'open'>,
    @Inject(DayKeys) private readonly dayKeys: Pick<DayKeys, 'of'>,
    @Inject(PlatformKeyStore) private readonly platformKeys: Pick<PlatformKeyStore, 'current'>,
  ) {}

  /** @throws BootError in one sentence */
  async onModuleInit(): Promise<void> {
    for (const key of await this.keys.newestSealed()) this.check(key);
    const today = new Date().toISOString().slice(0, 10);
    await this.dayKeys.of(today).catch((error: unknown) => {
      throw error instanceof WrongMasterKeyError ? new BootError(OTHER_MASTER_KEY) : error;
    });
    await this.platformKeys.current(newPlatformKey).catch((error: unknown) => {
      throw error instanceof WrongSecretError ? new BootError(error.message) : error;
    });
  }

  private check(key: SealedKey): void {
    try {
      this.box.open(key, key.sealedSecret);
    } catch {
      throw new BootError(OTHER_MASTER_KEY);
    }
  }
}

const OTHER_MASTER_KEY =
  'MASTER_KEY does not open the secrets of this database: they were sealed under another. Set the former master key again, or name it in OTHER_MASTER_KEYS.';
