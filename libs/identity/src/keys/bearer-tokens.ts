import { LienThongError } from '@lienthong/contracts';
import { DatabaseClock, DataServiceStore, PlatformKeyStore } from '@lienthong/persistence';
import { BEARER_TOKEN, tokenKeyOf, verifyToken } from '@lienthong/signing';
import { Inject, Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Authenticator } from '../authenticator';
import type { Caller } from '../caller';
import type { BearerScope } from '../decorators';
import { KeyRing } from './key-ring';

/** Public keys of the platform; a token of a newer one makes them be read again, at most this often. */
const JWKS_MS = 5000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type BearerRequest = IncomingMessage & {
  originalUrl: string;
  method: string;
  body?: unknown;
  params?: Record<string, string>;
};

/** @returns the token of `Authorization: Bearer`, where the request is not signed */
export function bearerTokenOf({ headers }: IncomingMessage): string | undefined {
  if (headers['signature-input'] !== undefined || headers.signature !== undefined) return undefined;
  return /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Callers by bearer token (A7): known by the token alone, which whoever has it may use. Hence only for keys so marked, and for the data services it names. */
@Injectable()
export class BearerTokens {
  private jwks?: { keys: object[]; at: number };

  constructor(
    @Inject(PlatformKeyStore) private readonly keys: Pick<PlatformKeyStore, 'jwks'>,
    @Inject(KeyRing) private readonly ring: Pick<KeyRing, 'key'>,
    @Inject(Authenticator) private readonly authenticator: Pick<Authenticator, 'assertStillValid'>,
    @Inject(DataServiceStore) private readonly services: Pick<DataServiceStore, 'dataTypeOf'>,
    @Inject(DatabaseClock) private readonly clock: Pick<DatabaseClock, 'now'>,
  ) {}

  /** @throws LienThongError token_invalid, also for the agency that was dissolved; key_revoked or key_expired when the key that it was issued to has ended, which holds here within 5 s */
  async authenticate(
    token: string,
    { method, originalUrl }: Pick<BearerRequest, 'method' | 'originalUrl'>,
  ): Promise<Caller> {
    const { sub: accessKey, scope } = await this.claimsOf(token);
    const dataTypes = String(scope).split(' ');
    const key = await this.ring.key(accessKey);
    if (!key?.bearer || key.systemId === null || key.dissolvedAt) throw new LienThongError('token_invalid');
    await this.authenticator.assertStillValid({ accessKey, systemId: key.systemId });
    const { systemId } = key;
    // The evidence that a receipt carries says itself that nothing was signed.
    const request = { method, path: originalUrl, signatureInput: '', signature: '', alg: 'bearer', keyId: accessKey };
    return {
      accessKey,
      systemId,
      keyId: accessKey,
      alg: 'bearer',
      administrator: false,
      ...(!dataTypes.includes('*') && { dataTypes }),
      request,
    };
  }

  /**
   * @throws LienThongError insufficient_scope for what is asked for as such; not_found, as for anything foreign, for a packet or delivery of another data type
   */
  async assertInScope(
    { dataTypes }: Pick<Caller, 'dataTypes'>,
    { body, params = {}, method, originalUrl }: BearerRequest,
    scope: BearerScope,
  ): Promise<void> {
    if (!dataTypes || scope === 'list') return;
    const covers = (dataType: unknown) => typeof dataType === 'string' && dataTypes.includes(dataType);
    const { packetId, deliveryId } = params;
    if (scope === 'all' || (packetId === undefined && deliveryId === undefined)) {
      const { dataType } = (body ?? {}) as { dataType?: unknown };
      if (scope === 'item' && covers(dataType)) return;
      const needed = scope === 'all' ? '*' : String(dataType ?? 'dataType').slice(0, 100);
      throw new LienThongError('insufficient_scope', { what: `${method} ${originalUrl.split('?')[0]}`, needed });
    }
    const [of, id] = packetId === undefined ? (['delivery', deliveryId] as const) : (['packet', packetId] as const);
    // What is no id is for the route to refuse.
    if (UUID.test(id) && !covers(await this.services.dataTypeOf(of, id))) throw new LienThongError('not_found');
  }

  private async claimsOf(token: string) {
    const { kid, issuer = '' } = tokenKeyOf(token) ?? {};
    const jwks = await this.keysWith(kid);
    // The platform's key signs for this platform alone, so whose it is need not be asked twice; that it is for the platform itself, must.
    const options = { type: BEARER_TOKEN, issuer, audience: issuer, jwks, now: this.clock.now() };
    const claims = issuer === '' ? undefined : await verifyToken(token, options);
    if (!claims) throw new LienThongError('token_invalid');
    return claims;
  }

  private async keysWith(kid?: string): Promise<{ keys: object[] }> {
    const known = this.jwks?.keys.some((key) => (key as { kid?: string }).kid === kid);
    if (!this.jwks || (!known && performance.now() - this.jwks.at > JWKS_MS))
      this.jwks = { ...(await this.keys.jwks()), at: performance.now() };
    return { keys: this.jwks.keys };
  }
}
