import { LienThongError } from '@lienthong/contracts';
import { Authenticator } from '@lienthong/identity';
import { DatabaseClock, KeyStore } from '@lienthong/persistence';
import { HealthChecks, NotReady } from '@lienthong/runtime';
import { signRequest } from '@lienthong/signing';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { randomBytes } from 'node:crypto';

/** The canary: a process that lets a forged request in, whatever the reason, must not get any (reliability 5.1, skipped verification). */
@Injectable()
export class RefusesForgeries implements OnModuleInit {
  private refused = false;

  constructor(
    @Inject(Authenticator) private readonly authenticator: Pick<Authenticator, 'authenticate'>,
    @Inject(KeyStore) private readonly keys: Pick<KeyStore, 'newestSealed'>,
    @Inject(HealthChecks) private readonly health: Pick<HealthChecks, 'register'>,
    @Inject(DatabaseClock) private readonly clock: Pick<DatabaseClock, 'now'>,
  ) {}

  onModuleInit(): void {
    this.health.register('forgeries', () => this.check());
  }

  /**
   * Signs a request as somebody else would, with a secret that is none, for a key of this platform and for one that there is not. Looked at until it has been
   * refused once: the code does not change after that.
   * @throws Error when it was let in; what the authenticator says when it cannot tell (the database is away)
   */
  async check(): Promise<void> {
    if (this.refused) return;
    const [known] = await this.keys.newestSealed();
    await this.refuses('AKforgery', 'unknown_key');
    if (known) await this.refuses(known.accessKey, 'signature_invalid', 'algorithm_not_allowed');
    this.refused = true;
  }

  private async refuses(keyId: string, ...codes: string[]): Promise<void> {
    const target = '/v1/deliveries';
    const headers = signRequest(
      { method: 'GET', target },
      { keyId, alg: 'hmac-sha256', secret: randomBytes(32).toString('base64url') },
      { created: Math.floor(this.clock.now() / 1000) },
    );
    const forged = { method: 'GET', target, rawHeaders: Object.entries(headers).flat(), body: null };
    try {
      await this.authenticator.authenticate(forged);
    } catch (error) {
      if (error instanceof LienThongError && codes.includes(error.code)) return;
      throw error;
    }
    throw new NotReady('A forged request was let in: this process does not verify signatures.');
  }
}
