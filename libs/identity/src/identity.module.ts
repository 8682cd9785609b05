import { KeyStore, NonceStore, SessionStore } from '@lienthong/persistence';
import { Log, Metrics } from '@lienthong/runtime';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Counter } from 'prom-client';
import { AccessKeyVerifier } from './access-keys/access-key-verifier';
import { Authenticator } from './authenticator';
import { InternalCalls } from './access-keys/internal-call';
import { KeyRing } from './keys/key-ring';
import { KeyUses } from './keys/key-uses';
import { LocalAccessKeyVerifier } from './access-keys/local-access-key-verifier';
import { RemoteAccessKeyVerifier } from './access-keys/remote-access-key-verifier';
import { SecretBox } from './access-keys/secret-box';
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
  /** Auth and standalone hold the master key (32 bytes) and verify access keys themselves; the others ask auth at one of these addresses. */
  accessKeys: { masterKey: Buffer } | { authUrls: readonly string[] };
}

/**
 * Who is calling. Imported once, by whoever composes the process, beside `PersistenceModule` (whose stores it uses): so there is one guard for all
 * routes, one batch of nonces, one cache. Global: `Authenticator`, `KeyRing`, `SessionKeys` and, with the master key, `SecretBox` can be injected anywhere.
 */
@Module({})
// oxlint-disable-next-line typescript/no-extraneous-class -- the shape that Nest gives to a dynamic module
export class IdentityModule {
  static for({ platformSecret, accessKeys }: IdentitySettings): DynamicModule {
    const verifying: Provider[] =
      'masterKey' in accessKeys
        ? [
            { provide: SecretBox, useValue: new SecretBox(accessKeys.masterKey) },
            {
              provide: AccessKeyVerifier,
              inject: [KeyRing, SecretBox],
              useFactory: (ring: KeyRing, box: SecretBox) => new LocalAccessKeyVerifier(ring, box),
            },
          ]
        : [
            {
              provide: AccessKeyVerifier,
              inject: [InternalCalls],
              useFactory: (calls: InternalCalls) => new RemoteAccessKeyVerifier(accessKeys.authUrls, calls),
            },
          ];
    return {
      module: IdentityModule,
      global: true,
      providers: [
        { provide: SessionKeys, useValue: new SessionKeys(platformSecret) },
        { provide: InternalCalls, useValue: new InternalCalls(platformSecret) },
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
          inject: [KeyRing, SessionKeys, AccessKeyVerifier, NonceStore, KeyUses],
          useFactory: (
            ring: KeyRing,
            sessionKeys: SessionKeys,
            verifier: AccessKeyVerifier,
            nonces: NonceStore,
            uses: KeyUses,
          ) => new Authenticator(ring, sessionKeys, verifier, nonces, uses),
        },
        { provide: APP_GUARD, useClass: SignedRequestGuard },
      ],
      exports: [
        AccessKeyVerifier,
        Authenticator,
        InternalCalls,
        KeyRing,
        SessionKeys,
        ...('masterKey' in accessKeys ? [SecretBox] : []),
      ],
    };
  }
}
