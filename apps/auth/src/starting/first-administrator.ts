import { SecretBox } from '@lienthong/identity';
import { KeyStore, writeDurably } from '@lienthong/persistence';
import { BootError, Log } from '@lienthong/runtime';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { rmSync } from 'node:fs';
import { AuthOptions } from '../auth.config';
import { newPair } from '../manage-keys/manage-keys';

/** A platform without an administrator's key would be closed to everyone: the first start makes one and writes it to a file (protocol 9). */
@Injectable()
export class FirstAdministrator implements OnModuleInit {
  constructor(
    @Inject(AuthOptions) private readonly options: AuthOptions,
    @Inject(KeyStore) private readonly keys: Pick<KeyStore, 'addFirstAdministrator'>,
    @Inject(SecretBox) private readonly box: Pick<SecretBox, 'seal'>,
    @Inject(Log) private readonly log: Pick<Log, 'info'>,
  ) {}

  /** @throws BootError when the file cannot be written: then no key is made either */
  async onModuleInit(): Promise<void> {
    const { adminKeyFile, publicUrl } = this.options;
    if (adminKeyFile === undefined) return;
    const pair = newPair();
    const owner = { accessKey: pair.accessKey, systemId: null };
    let written = false;
    const hand = () => {
      write(adminKeyFile, { ...pair, baseUrl: publicUrl });
      written = true;
    };
    try {
      const made = await this.keys.addFirstAdministrator(
        {
          ...owner,
          algorithms: ['hmac-sha256'],
          sealedSecret: this.box.seal(owner, pair.secretKey),
          publicKeyPem: null,
          bearer: false,
          expiresAt: null,
        },
        hand,
      );
      if (made) this.log.info({ file: adminKeyFile, accessKey: pair.accessKey }, 'administrator key made');
    } catch (error) {
      // Written, but not committed: a file with a key that does not exist would mislead.
      if (written) rmSync(adminKeyFile, { force: true });
      throw error;
    }
  }
}

function write(file: string, content: object): void {
  try {
    writeDurably(file, `${JSON.stringify(content, null, 2)}\n`);
  } catch (error) {
    throw new BootError(
      `The administrator key cannot be written to ${file} (${(error as NodeJS.ErrnoException).code}); none was made. Set ADMIN_KEY_FILE to a file that this user may write.`,
    );
  }
}
