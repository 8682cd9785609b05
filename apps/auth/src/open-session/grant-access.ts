import { type AccessGrant, LienThongError } from '@lienthong/contracts';
import { AccessRightStore, DatabaseClock, PlatformKeyStore } from '@lienthong/persistence';
import { ACCESS_TOKEN, newPlatformKey, platformKeyOf, signToken } from '@lienthong/signing';
import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AuthOptions } from '../auth.config';

/** What an access token is for; it opens nothing else. */
export const PURPOSE = 'access';

/** The right of one system to call another's own service (A1–A3): decided by grants, given as a token that is bound to the session. */
@Injectable()
export class GrantAccess {
  constructor(
    @Inject(AccessRightStore) private readonly rights: Pick<AccessRightStore, 'find'>,
    @Inject(PlatformKeyStore) private readonly keys: Pick<PlatformKeyStore, 'current'>,
    @Inject(AuthOptions) private readonly options: Pick<AuthOptions, 'publicUrl'>,
    @Inject(DatabaseClock) private readonly clock: Pick<DatabaseClock, 'now'>,
  ) {}

  /**
   * @param source null: an administrator, who calls nobody's service
   * @returns the two systems by the ids on record
   * @throws LienThongError access_denied with `reason`
   */
  async decide(source: string | null, destination: string): Promise<{ source: string; destination: string }> {
    const right = source === null ? { refused: 'not_granted' as const } : await this.rights.find(source, destination);
    if (source !== null && 'destination' in right) return { source, destination: right.destination };
    const reason = 'refused' in right ? right.refused : 'not_granted';
    throw new LienThongError('access_denied', { what: `${destination} (${reason})` }, { reason });
  }

  /** The token ends with the session. */
  async grant({
    source,
    destination,
    sessionId,
    expiresAt,
  }: {
    source: string;
    destination: string;
    sessionId: string;
    expiresAt: Date;
  }): Promise<AccessGrant> {
    const { kid, privatePem } = await this.keys.current(newPlatformKey);
    const iat = Math.floor(this.clock.now() / 1000);
    const exp = Math.floor(expiresAt.getTime() / 1000);
    const bound = { sub: source, aud: destination, purpose: PURPOSE, sid: sessionId };
    const claims = { iss: this.options.publicUrl, ...bound, jti: randomUUID(), iat, exp };
    const accessToken = await signToken(claims, ACCESS_TOKEN, platformKeyOf(kid, privatePem));
    return { destination, accessToken, expiresAt: new Date(exp * 1000).toISOString() };
  }
}
