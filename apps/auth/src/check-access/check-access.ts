import { type AccessCheckAnswer, type AccessCheckRequest, LIMITS, LienThongError } from '@lienthong/contracts';
import { Authenticator, SessionKeys } from '@lienthong/identity';
import { AccessRightStore, AgencyStore, NonceStore, PlatformKeyStore, SystemStore } from '@lienthong/persistence';
import {
  ACCESS_TOKEN,
  parseSignature,
  type ReceivedSignature,
  SignatureError,
  verifySignature,
  verifyToken,
} from '@lienthong/signing';
import { Inject, Injectable } from '@nestjs/common';
import { AuthOptions } from '../auth.config';
import { PURPOSE } from '../open-session/grant-access';

type SignedRequest = NonNullable<AccessCheckRequest['request']>;

const WINDOW = LIMITS.signatureWindowSeconds;
/** As long as the request could pass the window, and a minute for clocks that differ. */
const NONCE_SECONDS = 2 * WINDOW + 60;

/** Tells a destination who called its own service (A4, A5). */
@Injectable()
export class CheckAccess {
  constructor(
    @Inject(PlatformKeyStore) private readonly keys: Pick<PlatformKeyStore, 'jwks'>,
    @Inject(AuthOptions) private readonly options: Pick<AuthOptions, 'publicUrl'>,
    @Inject(Authenticator) private readonly authenticator: Pick<Authenticator, 'assertStillValid'>,
    @Inject(AccessRightStore) private readonly rights: Pick<AccessRightStore, 'find'>,
    @Inject(SystemStore) private readonly systems: Pick<SystemStore, 'find'>,
    @Inject(AgencyStore) private readonly agencies: Pick<AgencyStore, 'find'>,
    @Inject(SessionKeys) private readonly sessionKeys: Pick<SessionKeys, 'of'>,
    @Inject(NonceStore) private readonly nonces: Pick<NonceStore, 'use'>,
  ) {}

  /**
   * The token's session, its key, both systems and the grant must still stand; a change of them holds here within 5 s.
   * @param destination who asks: only its own tokens are known to it
   */
  async check(destination: string, { accessToken, request }: AccessCheckRequest): Promise<AccessCheckAnswer> {
    const claims = await verifyToken(accessToken, {
      type: ACCESS_TOKEN,
      issuer: this.options.publicUrl,
      audience: destination,
      jwks: await this.keys.jwks(),
      now: Date.now(),
    });
    if (claims?.purpose !== PURPOSE || typeof claims.sid !== 'string') return INVALID_TOKEN;
    const { sub: source, sid: sessionId } = claims;
    const [stands, right, system] = await Promise.all([
      this.stands(source, sessionId),
      this.rights.find(source, destination),
      this.systems.find(source),
    ]);
    if (!stands || 'refused' in right || !system) return INVALID_TOKEN;
    const code = request && isSigned(request) && (await this.refuse(request, { accessToken, sessionId, destination }));
    if (code) return { active: false, code };
    return {
      active: true,
      source: { systemId: source, agencyCode: system.agencyCode, name: system.name },
      expiresAt: new Date(claims.exp * 1000).toISOString(),
    };
  }

  private async stands(systemId: string, sessionId: string): Promise<boolean> {
    const agency = await this.agencies.find(systemId.split('/')[0]);
    if (!agency || agency.dissolvedAt) return false;
    return this.authenticator.assertStillValid({ systemId, sessionId, accessKey: '' }).then(
      () => true,
      (error: unknown) => {
        if (error instanceof LienThongError && ENDED.has(error.code)) return false;
        throw error;
      },
    );
  }

  /** @returns what is wrong with the signature of the source's request; undefined when it is right and came for the first time */
  private async refuse(
    request: SignedRequest,
    { accessToken, sessionId, destination }: { accessToken: string; sessionId: string; destination: string },
  ): Promise<string | undefined> {
    const signed = read(request);
    if (typeof signed === 'string') return signed;
    const { keyId, alg, base, signature, created, expires, nonce, covered } = signed;
    // Else the token could be put to another request, and the request be passed on to another service.
    if (!covered.includes('authorization') || authorizationOf(request) !== `Bearer ${accessToken}`)
      return 'signature_incomplete';
    if (keyId !== sessionId || alg !== 'hmac-sha256') return 'signature_invalid';
    if (!verifySignature(alg, { secret: await this.sessionKeys.of(sessionId) }, base, signature))
      return 'signature_invalid';
    const now = Date.now() / 1000;
    if (Math.abs(now - created) > WINDOW || (expires !== undefined && now > expires)) return 'clock_skew';
    // A key of its own: what the source sends to the platform itself, or to others, stands beside it.
    const isNew = await this.nonces.use(
      `access:${destination}:${sessionId}`,
      nonce,
      new Date((now + NONCE_SECONDS) * 1000),
    );
    return isNew ? undefined : 'replayed_request';
  }
}

const INVALID_TOKEN: AccessCheckAnswer = { active: false, code: 'invalid_token' };
const ENDED = new Set(['session_expired', 'key_revoked', 'key_expired']);

const headersNamed = ({ headers }: SignedRequest, name: string): string[] =>
  Object.entries(headers)
    .filter(([given]) => given.toLowerCase() === name)
    .map(([, value]) => value);

const isSigned = (request: SignedRequest): boolean =>
  ['signature', 'signature-input'].some((name) => headersNamed(request, name).length > 0);

const authorizationOf = (request: SignedRequest): string | undefined => {
  const [value, ...more] = headersNamed(request, 'authorization');
  return more.length === 0 ? value : undefined;
};

/** The body is with the destination: it compares the digest that the signature covers. */
function read({ method, path, query = '', headers }: SignedRequest): ReceivedSignature | string {
  const asked = query === '' || query.startsWith('?') ? query : `?${query}`;
  const rawHeaders = Object.entries(headers).flat();
  try {
    return parseSignature({ method, target: path + (asked === '?' ? '' : asked), rawHeaders, body: null });
  } catch (error) {
    if (error instanceof SignatureError) return error.code;
    throw error;
  }
}
