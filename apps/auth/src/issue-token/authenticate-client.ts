import { LienThongError } from '@lienthong/contracts';
import { Authenticator, KeyRing, SecretBox } from '@lienthong/identity';
import { DatabaseClock, NonceStore } from '@lienthong/persistence';
import { JOSE_ALGORITHMS, tokenKeyOf, verifyAssertion } from '@lienthong/signing';
import { Inject, Injectable } from '@nestjs/common';
import { createHash, timingSafeEqual } from 'node:crypto';
import { AuthOptions } from '../auth.config';

type OAuthCode =
  'invalid_request' | 'invalid_client' | 'unauthorized_client' | 'unsupported_grant_type' | 'invalid_scope';

/** RFC 6749 5.2. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';

  constructor(
    readonly code: OAuthCode,
    message: string,
  ) {
    super(message);
  }

  get status(): number {
    return this.code === 'invalid_client' ? 401 : 400;
  }
}

/** Who proved to hold a key. */
export interface TokenClient {
  accessKey: string;
  /** Null: an administrator's. */
  systemId: string | null;
  /** Whether an administrator marked the key. */
  bearer: boolean;
  /** Whether the agency of its system was. */
  dissolved: boolean;
  expiresAt: Date | null;
}

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Who asks for a token (RFC 6749 2.3, RFC 7523): by the secret of its key, or by what its RSA key signed. */
@Injectable()
export class AuthenticateClient {
  constructor(
    @Inject(KeyRing) private readonly ring: Pick<KeyRing, 'key'>,
    @Inject(SecretBox) private readonly box: Pick<SecretBox, 'openIfWhole' | 'openNothing'>,
    @Inject(Authenticator) private readonly authenticator: Pick<Authenticator, 'assertStillValid'>,
    @Inject(NonceStore) private readonly nonces: Pick<NonceStore, 'use'>,
    @Inject(AuthOptions) private readonly options: Pick<AuthOptions, 'publicUrl'>,
    @Inject(DatabaseClock) private readonly clock: Pick<DatabaseClock, 'now'>,
  ) {}

  /** @throws OAuthError invalid_client, in the same words whatever is wrong with it */
  async authenticate(form: URLSearchParams, authorization?: string): Promise<TokenClient> {
    const assertion = form.get('client_assertion');
    if ((assertion === null) === (authorization === undefined))
      throw new OAuthError('invalid_client', 'Either HTTP Basic or client_assertion.');
    const accessKey =
      assertion === null ? await this.bySecret(authorization ?? '') : await this.byAssertion(form, assertion);
    const key = await this.ring.key(accessKey);
    const { systemId = null, bearer = false, expiresAt = null } = key ?? {};
    await this.authenticator.assertStillValid({ accessKey, systemId }).catch((error: unknown) => {
      throw error instanceof LienThongError && error.code.startsWith('key_') ? NOT_KNOWN() : error;
    });
    return { accessKey, systemId, bearer, dissolved: Boolean(key?.dissolvedAt), expiresAt };
  }

  private async bySecret(authorization: string): Promise<string> {
    const [accessKey, secret] = basicOf(authorization);
    const key = await this.ring.key(accessKey);
    const own = key?.sealedSecret ? this.box.openIfWhole(key, key.sealedSecret) : undefined;
    const known = own ?? this.box.openNothing();
    if (!timingSafeEqual(hashOf(known), hashOf(secret)) || own === undefined) throw NOT_KNOWN();
    return accessKey;
  }

  private async byAssertion(form: URLSearchParams, assertion: string): Promise<string> {
    const accessKey = tokenKeyOf(assertion)?.issuer ?? '';
    const key = await this.ring.key(accessKey);
    const named = form.get('client_id');
    if (form.get('client_assertion_type') !== ASSERTION || !key?.publicKey || (named !== null && named !== accessKey))
      throw NOT_KNOWN();
    const { publicUrl } = this.options;
    const proven = await verifyAssertion(assertion, {
      publicKey: key.publicKey,
      algorithms: key.algorithms.flatMap((alg) => JOSE_ALGORITHMS[alg] ?? []),
      clientId: accessKey,
      audience: [publicUrl, `${publicUrl}/oauth2/token`],
      now: this.clock.now(),
    });
    if (!proven) throw NOT_KNOWN();
    const once = hashOf(proven.jti).toString('base64url');
    const until = new Date((proven.exp + 60) * 1000);
    if (!(await this.nonces.use(`assertion:${accessKey}`, once, until))) throw NOT_KNOWN();
    return accessKey;
  }
}

/** @returns the access key that a request names, proved or not; empty when it names none */
export function clientNamed(form: URLSearchParams, authorization?: string): string {
  const assertion = form.get('client_assertion');
  if (assertion !== null) return tokenKeyOf(assertion)?.issuer ?? '';
  try {
    return basicOf(authorization ?? '')[0];
  } catch {
    return '';
  }
}

export const NOT_KNOWN = (): OAuthError =>
  new OAuthError('invalid_client', 'The client is not known, or did not prove to be it.');

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** RFC 6749 2.3.1: both halves are form-encoded before they are joined. */
function basicOf(authorization: string): [string, string] {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? [];
  const [, name, secret] = /^([^:]+):(.+)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString('utf8')) ?? [];
  try {
    if (name !== undefined) return [decoded(name), decoded(secret)];
  } catch {
    // Not encoded as it should be: no client.
  }
  throw NOT_KNOWN();
}

const decoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
