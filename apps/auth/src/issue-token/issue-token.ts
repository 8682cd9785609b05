import type { TokenAnswer } from '@lienthong/contracts';
import { actingAs, AuditStore, DatabaseClock, DataServiceStore, PlatformKeyStore } from '@lienthong/persistence';
import { BEARER_TOKEN, newPlatformKey, platformKeyOf, signToken } from '@lienthong/signing';
import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AuthOptions } from '../auth.config';
import { AuthenticateClient, NOT_KNOWN, OAuthError, type TokenClient } from './authenticate-client';

const ONCE = ['grant_type', 'scope', 'client_id', 'client_assertion', 'client_assertion_type'];

/** Client credentials for a bearer token (A7, RFC 6749 4.4): whether the key of who asks may, and for which data services. */
@Injectable()
export class IssueToken {
  constructor(
    @Inject(AuthenticateClient) private readonly clients: Pick<AuthenticateClient, 'authenticate'>,
    @Inject(DataServiceStore) private readonly services: Pick<DataServiceStore, 'of'>,
    @Inject(PlatformKeyStore) private readonly keys: Pick<PlatformKeyStore, 'current'>,
    @Inject(AuditStore) private readonly audit: Pick<AuditStore, 'record'>,
    @Inject(AuthOptions) private readonly options: Pick<AuthOptions, 'publicUrl' | 'tokenSeconds'>,
    @Inject(DatabaseClock) private readonly clock: Pick<DatabaseClock, 'now'>,
  ) {}

  /** @throws OAuthError */
  async issue(form: URLSearchParams, authorization?: string): Promise<TokenAnswer> {
    if (ONCE.some((name) => form.getAll(name).length > 1))
      throw new OAuthError('invalid_request', 'A parameter is repeated.');
    if (!form.has('grant_type'))
      throw new OAuthError('invalid_request', 'grant_type is missing, or the body is no form.');
    if (form.get('grant_type') !== 'client_credentials')
      throw new OAuthError('unsupported_grant_type', 'Only client_credentials.');
    const client = await this.clients.authenticate(form, authorization);
    const { accessKey, systemId } = client;
    return actingAs({ actor: accessKey, systemId }, () => this.issueTo(client, form.get('scope')));
  }

  /** Who proved to hold the key is told why it gets no token, and the audit log too. */
  private async issueTo(
    { accessKey, systemId, bearer, dissolved, expiresAt }: TokenClient,
    asked: string | null,
  ): Promise<TokenAnswer> {
    if (!bearer || systemId === null)
      throw await this.refused('unauthorized_client', 'An administrator must mark this key as bearer.');
    if (dissolved) throw await this.refused('unauthorized_client', 'The agency of this system was dissolved.');
    const scope = await this.scopeOf(systemId, asked);
    if (scope === undefined)
      throw await this.refused('invalid_scope', 'A data service that this system is not granted.');

    const iat = Math.floor(this.clock.now() / 1000);
    const exp = Math.min(iat + this.options.tokenSeconds, Math.floor((expiresAt?.getTime() ?? Infinity) / 1000));
    // A key in its last second.
    if (exp <= iat) throw NOT_KNOWN();
    const { publicUrl: iss } = this.options;
    const who = { sub: accessKey, client_id: accessKey, system: systemId };
    const claims = { iss, aud: iss, ...who, scope, jti: randomUUID(), iat, exp };
    const { kid, privatePem } = await this.keys.current(newPlatformKey);
    const token = await signToken(claims, BEARER_TOKEN, platformKeyOf(kid, privatePem));
    await this.audit.record([{ action: 'token.issued', subject: accessKey, detail: { jti: claims.jti, scope, exp } }]);
    return { access_token: token, token_type: 'Bearer', expires_in: exp - iat, scope };
  }

  private async refused(code: 'unauthorized_client' | 'invalid_scope', message: string): Promise<OAuthError> {
    await this.audit.record([{ action: 'access.refused', subject: 'POST /oauth2/token', detail: { code } }]);
    return new OAuthError(code, message);
  }

  private async scopeOf(systemId: string, asked: string | null): Promise<string | undefined> {
    const granted = await this.services.of(systemId);
    const wanted = asked?.split(' ').filter(Boolean) ?? [];
    const refused = wanted.find((one) => !granted.includes(one) && !granted.includes('*'));
    if (refused !== undefined || granted.length === 0) return undefined;
    return [...new Set(wanted.length > 0 ? wanted : granted)].join(' ');
  }
}
