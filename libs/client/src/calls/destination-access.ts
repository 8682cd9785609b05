import { type AccessGrant, LienThongError, type SessionAnswer } from '@lienthong/contracts';
import { type SigningKey, signRequest } from '@lienthong/signing';
import type { Connection } from '../transport/connection';
import { SessionKeeper } from '../transport/session-keeper';

export interface RequestToDestination {
  method: string;
  /** Where it goes; a path is enough. What is signed of it is path and query, exactly as they are sent. */
  url: string | URL;
  body?: Buffer | string;
}

/** Calls to the own service of one destination: a session of its own, whose token says what for and whose key signs each request. */
export class DestinationAccess {
  private readonly sessions: SessionKeeper;

  constructor(
    connection: Pick<Connection, 'openSession'>,
    readonly destination: string,
  ) {
    this.sessions = new SessionKeeper(() => connection.openSession({ destination }));
  }

  /**
   * The token in force; a session is opened when there is none, or it ends soon.
   * @throws PlatformError access_denied, with the reason in `problem.reason`
   */
  async grant(): Promise<AccessGrant> {
    return grantOf(await this.sessions.current());
  }

  /**
   * @returns the headers of one request, good once, for five minutes: `authorization`, `signature-input`, `signature` and, with a body, `content-digest`.
   * The signature covers `authorization`: neither fits another request, and the platform itself takes no request signed so.
   */
  async headers({ method, url, body }: RequestToDestination): Promise<Record<string, string>> {
    const session = await this.sessions.current();
    const { pathname, search } = new URL(url, 'http://destination');
    const authorization = `Bearer ${grantOf(session).accessToken}`;
    const key: SigningKey = { keyId: session.sessionId, alg: 'hmac-sha256', secret: session.sessionKey };
    const request = { method, target: pathname + search, body, headers: { authorization } };
    return { authorization, ...signRequest(request, key, { cover: ['authorization'] }) };
  }
}

function grantOf({ access }: SessionAnswer): AccessGrant {
  if (!access) throw new LienThongError('invalid_configuration', { why: 'the platform gives no access tokens' });
  return access;
}
