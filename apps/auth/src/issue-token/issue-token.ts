import { LienThongError } from '@lienthong/contracts';
import { Authenticator, KeyRing, SecretBox } from '@lienthong/identity';
import { actingAs, AuditStore, DataServiceStore, NonceStore, PlatformKeyStore } from '@lienthong/persistence';
import {
  BEARER_TOKEN,
  newPlatformKey,
  platformKeyOf,
  signToken,
  tokenKeyOf,
  verifyAssertion,
} from '@lienthong/signing';
import { Inject, Injectable } from '@nestjs/common';
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
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

export interface TokenAnswer {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
  scope: string;
}

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const JOSE: Record<string, string> = { 'rsa-pss-sha512': 'PS512', 'rsa-v1_5-sha256': 'RS256' };
const NOBODY = { accessKey: 'nobody', systemId: null };
const ONCE = ['grant_type', 'scope', 'client_id', 'client_assertion', 'client_assertion_type'];

/** Client credentials for a bearer token (A7, RFC 6749 4.4): who it is, whether its key may, and for which data services. */
@Injectable()
export class IssueToken {
  private readonly dummy: Buffer;

  constructor(
    @Inject(KeyRing) private readonly ring: Pick<KeyRing, 'key'>,
    @Inject(SecretBox) private readonly box: Pick<SecretBox, 'open' | 'seal'>,
    @Inject(Authenticator) private readonly authenticator: Pick<Authenticator, 'assertStillValid'>,
    @Inject(NonceStore) private readonly nonces: Pick<NonceStore, 'use'>,
    @Inject(DataServiceStore) private readonly services: Pick<DataServiceStore, 'of'>,
    @Inject(PlatformKeyStore) private readonly keys: Pick<PlatformKeyStore, 'current'>,
    @Inject(AuditStore) private readonly audit: Pick<AuditStore, 'record'>,
    @Inject(AuthOptions) private readonly options: Pick<AuthOptions, 'publicUrl' | 'tokenSeconds'>,
  ) {
    this.dummy = box.seal(NOBODY, randomBytes(32).toString('base64url'));
  }

  /** @throws OAuthError */
  async issue(form: URLSearchParams, authorization?: string): Promise<TokenAnswer> {
    if (ONCE.some((name) => form.getAll(name).length > 1))
      throw new OAuthError('invalid_request', 'A parameter is repeated.');
    if (!form.has('grant_type'))
      throw new OAuthError('invalid_request', 'grant_type is missing, or the body is no form.');
    if (form.get('grant_type') !== 'client_credentials')
      throw new OAuthError('unsupported_grant_type', 'Only client_credentials.');
    const { accessKey, systemId, expiresAt } = await this.client(form, authorization);
    const scope = await this.scopeOf(systemId, form.get('scope'));

    const now = Date.now();
    const iat = Math.floor(now / 1000);
    const exp = Math.min(iat + this.options.tokenSeconds, Math.floor((expiresAt?.getTime() ?? Infinity) / 1000));
    const { publicUrl: iss } = this.options;
    const who = { sub: accessKey, client_id: accessKey, system: systemId };
    const claims = { iss, aud: iss, ...who, scope, jti: randomUUID(), iat, exp };
    const { kid, privatePem } = await this.keys.current(newPlatformKey);
    const token = await signToken(claims, BEARER_TOKEN, platformKeyOf(kid, privatePem));
    await actingAs({ actor: accessKey, systemId }, () =>
      this.audit.record([{ action: 'token.issued', subject: accessKey, detail: { jti: claims.jti, scope, exp } }]),
    );
    return { access_token: token, token_type: 'Bearer', expires_in: exp - iat, scope };
  }

  private async client(form: URLSearchParams, authorization?: string) {
    const assertion = form.get('client_assertion');
    if ((assertion === null) === (authorization === undefined))
      throw new OAuthError('invalid_client', 'Either HTTP Basic or client_assertion.');
    const accessKey =
      assertion === null ? await this.bySecret(authorization ?? '') : await this.byAssertion(form, assertion);
    const key = await this.ring.key(accessKey);
    // Only to who has proved to hold the key.
    const { systemId = null } = key ?? {};
    await this.authenticator.assertStillValid({ accessKey, systemId }).catch((error: unknown) => {
      throw error instanceof LienThongError && error.code.startsWith('key_') ? NOT_KNOWN() : error;
    });
    if (!key?.bearer || systemId === null)
      throw new OAuthError('unauthorized_client', 'An administrator must mark this key as bearer.');
    return { accessKey, systemId, expiresAt: key.expiresAt };
  }

  private async bySecret(authorization: string): Promise<string> {
    const [accessKey, secret] = basicOf(authorization);
    const key = await this.ring.key(accessKey);
    const known = key?.sealedSecret ? this.box.open(key, key.sealedSecret) : this.box.open(NOBODY, this.dummy);
    if (!timingSafeEqual(hashOf(known), hashOf(secret)) || !key?.sealedSecret) throw NOT_KNOWN();
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
      algorithms: key.algorithms.flatMap((alg) => JOSE[alg] ?? []),
      clientId: accessKey,
      audience: [publicUrl, `${publicUrl}/oauth2/token`],
    });
    if (!proven) throw NOT_KNOWN();
    const once = hashOf(proven.jti).toString('base64url');
    const until = new Date((proven.exp + 60) * 1000);
    if (!(await this.nonces.use(`assertion:${accessKey}`, once, until))) throw NOT_KNOWN();
    return accessKey;
  }

  private async scopeOf(systemId: string, asked: string | null): Promise<string> {
    const granted = await this.services.of(systemId);
    const wanted = asked?.split(' ').filter(Boolean) ?? [];
    const refused = wanted.find((one) => !granted.includes(one) && !granted.includes('*'));
    if (refused !== undefined || granted.length === 0)
      throw new OAuthError('invalid_scope', 'A data service that this system is not granted.');
    return [...new Set(wanted.length > 0 ? wanted : granted)].join(' ');
  }
}

const NOT_KNOWN = () => new OAuthError('invalid_client', 'The client is not known, or did not prove to be it.');

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
