import { type AccessCheckAnswer, type AccessCheckRequest, LIMITS, LienThongError } from '@lienthong/contracts';
import { Authenticator, SessionKeys } from '@lienthong/identity';
import {
  AccessRightStore,
  AgencyStore,
  AuditStore,
  DatabaseClock,
  NonceStore,
  PlatformKeyStore,
  SystemStore,
  Transactions,
  type Unit,
} from '@lienthong/persistence';
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
    @Inject(NonceStore) private readonly nonces: Pick<NonceStore, 'useIn'>,
    @Inject(AuditStore) private readonly audit: Pick<AuditStore, 'add'>,
    @Inject(Transactions) private readonly transactions: Pick<Transactions, 'run'>,
    @Inject(DatabaseClock) private readonly clock: Pick<DatabaseClock, 'now'>,
  ) {}

  /**
   * The token's session, its key, both systems and the grant must still stand; a change of them holds here within 5 s. Each check is in the audit log, in the
   * transaction that takes the request's nonce.
   * @param destination who asks: only its own tokens are known to it
   */
  async check(destination: string, { accessToken, request }: AccessCheckRequest): Promise<AccessCheckAnswer> {
    const token = await this.tokenOf(destination, accessToken);
    const signed =
      token?.system && request && isSigned(request) ? await this.verified(request, accessToken, token) : {};
    return this.transactions.run(async (unit) => {
      const code = token?.system
        ? (signed.code ?? (await this.replayed(unit, destination, token, signed.nonce)))
        : INVALID;
      const answer = answerOf(token, code);
      this.audit.add(unit, [
        {
          action: 'access.checked',
          subject: token?.source ?? 'unknown',
          detail: {
            source: token?.source ?? null,
            destination,
            sessionId: token?.sessionId ?? null,
            ...summary(answer),
          },
        },
      ]);
      return answer;
    });
  }

  /** @returns undefined when it is none for this destination; without `system` when what it rests on no longer stands */
  private async tokenOf(destination: string, accessToken: string): Promise<CheckedToken | undefined> {
    const claims = await verifyToken(accessToken, {
      type: ACCESS_TOKEN,
      issuer: this.options.publicUrl,
      audience: destination,
      jwks: await this.keys.jwks(),
      now: this.clock.now(),
    });
    if (claims?.purpose !== PURPOSE || typeof claims.sid !== 'string') return undefined;
    const { sub: source, sid: sessionId, exp } = claims;
    const [stands, right, system] = await Promise.all([
      this.stands(source, sessionId),
      this.rights.find(source, destination),
      this.systems.find(source),
    ]);
    return { source, sessionId, exp, ...(stands && 'destination' in right && system ? { system } : {}) };
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

  /** @returns what is wrong with the signature of the source's request, or its nonce when nothing is */
  private async verified(
    request: SignedRequest,
    accessToken: string,
    { sessionId }: CheckedToken,
  ): Promise<{ code?: string; nonce?: string }> {
    const signed = read(request);
    if (typeof signed === 'string') return { code: signed };
    const { keyId, alg, base, signature, created, expires, nonce, covered } = signed;
    // Else the token could be put to another request, and the request be passed on to another service.
    if (!covered.includes('authorization') || authorizationOf(request) !== `Bearer ${accessToken}`)
      return { code: 'signature_incomplete' };
    if (keyId !== sessionId || alg !== 'hmac-sha256') return { code: 'signature_invalid' };
    if (!verifySignature(alg, { secret: await this.sessionKeys.of(sessionId) }, base, signature))
      return { code: 'signature_invalid' };
    const now = this.clock.now() / 1000;
    if (Math.abs(now - created) > WINDOW || (expires !== undefined && now > expires)) return { code: 'clock_skew' };
    return { nonce };
  }

  /** Under a key of its own: what the source sends to the platform itself, or to others, stands beside it. */
  private async replayed(
    unit: Unit,
    destination: string,
    { sessionId }: CheckedToken,
    nonce?: string,
  ): Promise<string | undefined> {
    if (nonce === undefined) return undefined;
    const until = new Date(this.clock.now() + NONCE_SECONDS * 1000);
    const isNew = await this.nonces.useIn(unit, `access:${destination}:${sessionId}`, nonce, until);
    return isNew ? undefined : 'replayed_request';
  }
}

/** What is known of a token that was made for the system that asks. */
interface CheckedToken {
  source: string;
  sessionId: string;
  /** Unix seconds. */
  exp: number;
  system?: { agencyCode: string; name: string };
}

function answerOf(token: CheckedToken | undefined, code: string | undefined): AccessCheckAnswer {
  if (!token?.system || code !== undefined) return { active: false, code: code ?? INVALID };
  const { source, system, exp } = token;
  return {
    active: true,
    source: { systemId: source, agencyCode: system.agencyCode, name: system.name },
    expiresAt: new Date(exp * 1000).toISOString(),
  };
}

const summary = (answer: AccessCheckAnswer) =>
  answer.active ? { active: true } : { active: false, code: answer.code };

const INVALID = 'invalid_token';
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
