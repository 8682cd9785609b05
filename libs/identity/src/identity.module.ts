import {
  actAsCaller,
  DatabaseClock,
  DayKeyRootStore,
  KeyStore,
  NonceStore,
  SessionStore,
} from '@lienthong/persistence';
import { currentCaller, Log, Metrics } from '@lienthong/runtime';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Counter } from 'prom-client';
import { Refusals } from './audit/refusals';
import { AccessKeyVerifier } from './access-keys/access-key-verifier';
import { AskAuth } from './access-keys/ask-auth';
import { BearerTokens } from './keys/bearer-tokens';
import { ArrivingCallers } from './arriving-callers';
import { Authenticator } from './authenticator';
import { InternalCalls } from './access-keys/internal-call';
import type { MasterKeys } from './access-keys/master-key';
import { DayKeys, LocalDayKeys, RemoteDayKeys } from './keys/day-keys';
import { KeyRing } from './keys/key-ring';
import { KeyUses } from './keys/key-uses';
import { LocalAccessKeyVerifier } from './access-keys/local-access-key-verifier';
import { RemoteAccessKeyVerifier } from './access-keys/remote-access-key-verifier';
import { SecretBox } from './access-keys/secret-box';
import { LocalWebhookSecrets, RemoteWebhookSecrets, WebhookSecrets } from './access-keys/webhook-secrets';
import { SessionKeys } from './keys/session-keys';
import { SignedRequestGuard } from './signed-request.guard';

const signaturesVerified = (metrics: Metrics) =>
  new Counter({
    name: 'lienthong_signatures_verified_total',
    help: 'Requests whose signature was verified, by algorithm; hmac-sha1 is the one to be rid of',
    labelNames: ['alg'],
    registers: [metrics],
  });

export interface IdentitySettings {
  platformSecret: string;
  /** Auth and standalone hold the master key and verify access keys themselves; the others ask auth at one of these addresses. */
  accessKeys: MasterKeys | { authUrls: readonly string[] };
}

/**
 * Who is calling. Imported once, by whoever composes the process, beside `PersistenceModule` (whose stores it uses): so there is one guard for all
 * routes, one batch of nonces, one cache. Global: `Authenticator`, `KeyRing`, `SessionKeys` and, with the master key, `SecretBox` can be injected anywhere.
 */
@Module({})
export class IdentityModule {
  /** What a verified caller does is recorded in the audit log as done by it. */
  constructor() {
    actAsCaller(() => {
      const { keyId, systemId } = currentCaller() ?? {};
      return keyId === undefined || systemId === undefined ? undefined : { actor: keyId, systemId };
    });
  }

  static for({ platformSecret, accessKeys }: IdentitySettings): DynamicModule {
    const verifying: Provider[] =
      'masterKey' in accessKeys
        ? [
            { provide: SecretBox, useValue: new SecretBox(accessKeys.masterKey, accessKeys.others) },
            {
              provide: DayKeys,
              inject: [DayKeyRootStore, SecretBox, DatabaseClock],
              useFactory: (roots: DayKeyRootStore, box: SecretBox, clock: DatabaseClock) =>
                new LocalDayKeys(roots, box, () => clock.now()),
            },
            {
              provide: AccessKeyVerifier,
              inject: [KeyRing, SecretBox],
              useFactory: (ring: KeyRing, box: SecretBox) => new LocalAccessKeyVerifier(ring, box),
            },
            {
              provide: WebhookSecrets,
              inject: [SecretBox],
              useFactory: (box: SecretBox) => new LocalWebhookSecrets(box),
            },
          ]
        : [
            {
              provide: AskAuth,
              inject: [InternalCalls],
              useFactory: (calls: InternalCalls) => new AskAuth(accessKeys.authUrls, calls),
            },
            {
              provide: AccessKeyVerifier,
              inject: [AskAuth],
              useFactory: (auth: AskAuth) => new RemoteAccessKeyVerifier(auth),
            },
            {
              provide: DayKeys,
              inject: [AskAuth, DatabaseClock],
              useFactory: (auth: AskAuth, clock: DatabaseClock) => new RemoteDayKeys(auth, () => clock.now()),
            },
            {
              provide: WebhookSecrets,
              inject: [AskAuth],
              useFactory: (auth: AskAuth) => new RemoteWebhookSecrets(auth),
            },
          ];
    return {
      module: IdentityModule,
      global: true,
      providers: [
        {
          provide: SessionKeys,
          inject: [DayKeys],
          useFactory: (dayKeys: DayKeys) => new SessionKeys(dayKeys),
        },
        {
          provide: InternalCalls,
          inject: [DatabaseClock],
          useFactory: (clock: DatabaseClock) => new InternalCalls(platformSecret, () => clock.now()),
        },
        {
          provide: KeyRing,
          inject: [KeyStore, SessionStore],
          useFactory: (keys: KeyStore, sessions: SessionStore) => new KeyRing(keys, sessions),
        },
        {
          provide: KeyUses,
          inject: [KeyStore, Log, Metrics],
          useFactory: (keys: KeyStore, log: Log, metrics: Metrics) =>
            new KeyUses(keys, log, signaturesVerified(metrics)),
        },
        ...verifying,
        {
          provide: Authenticator,
          inject: [KeyRing, SessionKeys, AccessKeyVerifier, NonceStore, KeyUses, DatabaseClock],
          useFactory: (
            ring: KeyRing,
            sessionKeys: SessionKeys,
            verifier: AccessKeyVerifier,
            nonces: NonceStore,
            uses: KeyUses,
            clock: DatabaseClock,
          ) => new Authenticator(ring, sessionKeys, verifier, nonces, uses, () => clock.now()),
        },
        Refusals,
        BearerTokens,
        ArrivingCallers,
        { provide: APP_GUARD, useClass: SignedRequestGuard },
      ],
      exports: [
        AccessKeyVerifier,
        Authenticator,
        DayKeys,
        InternalCalls,
        KeyRing,
        Refusals,
        SessionKeys,
        WebhookSecrets,
        ...('masterKey' in accessKeys ? [SecretBox] : []),
      ],
    };
  }
}
