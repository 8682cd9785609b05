import type { SessionAnswer } from '@lienthong/contracts';
import type { Connection } from '../transport/connection';

/** The client's session (protocol 4). It opens by itself when needed; these calls are for who wants to see it or to ask for access. */
export class SessionCalls {
  constructor(private readonly connection: Pick<Connection, 'call' | 'openSession' | 'sessions'>) {}

  /** Opens a session now and signs with it from here on. */
  async open(request: { destination?: string } = {}): Promise<SessionAnswer> {
    return this.connection.sessions.adopt(await this.connection.openSession(request));
  }

  /** The session in use; opened when there is none. */
  current(): Promise<SessionAnswer> {
    return this.connection.sessions.current();
  }

  /** Closes the session in use, if there is one. */
  async close(): Promise<void> {
    await this.connection.sessions.idle();
    if (!this.connection.sessions.held) return;
    await this.connection.call({ method: 'DELETE', path: '/v1/sessions/current', once: true });
    this.connection.sessions.forget();
  }
}
