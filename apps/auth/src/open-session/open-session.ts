import { LIMITS, LienThongError, PACKET_STATES, type PacketState, type SessionAnswer } from '@lienthong/contracts';
import { type Caller, KeyRing, SessionKeys } from '@lienthong/identity';
import {
  AgencyStore,
  DatabaseClock,
  DeliveryListStore,
  KeyStore,
  PacketStore,
  SessionStore,
  SystemStore,
} from '@lienthong/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { GrantAccess } from './grant-access';

/** Items of what waits that come with the session (protocol 4). */
const ITEMS = 50;

/** Exchanges an access key for a session of an hour, and tells both sides of the exchange where they stand (S1, S5). */
@Injectable()
export class OpenSession {
  constructor(
    @Inject(GrantAccess) private readonly access: Pick<GrantAccess, 'decide' | 'grant'>,
    @Inject(SessionStore) private readonly sessions: Pick<SessionStore, 'open' | 'end'>,
    @Inject(SessionKeys) private readonly sessionKeys: Pick<SessionKeys, 'of'>,
    @Inject(KeyStore) private readonly keys: Pick<KeyStore, 'find'>,
    @Inject(KeyRing) private readonly ring: Pick<KeyRing, 'forget'>,
    @Inject(SystemStore) private readonly systems: Pick<SystemStore, 'find'>,
    @Inject(AgencyStore) private readonly agencies: Pick<AgencyStore, 'find'>,
    @Inject(PacketStore) private readonly packets: Pick<PacketStore, 'countsOf'>,
    @Inject(DeliveryListStore) private readonly deliveries: Pick<DeliveryListStore, 'waiting' | 'waitingCount'>,
    @Inject(DatabaseClock) private readonly clock: Pick<DatabaseClock, 'now'>,
  ) {}

  /**
   * The session ends with its key at the latest. What waits is shown, not announced: a program may open a session only to send.
   * @param destination a system whose own service the session is to call too (A1)
   * @throws LienThongError access_denied when asked for with a session: one that begets the next would never end; or with `reason`, when the right to call is refused
   */
  async open(caller: Caller, destination?: string): Promise<SessionAnswer> {
    if (caller.sessionId !== undefined) throw new LienThongError('access_denied', { what: 'POST /v1/sessions' });
    const { accessKey, systemId } = caller;
    const wanted = destination === undefined ? undefined : await this.access.decide(systemId, destination);
    const now = this.clock.now();
    const keyEnds = (await this.keys.find(accessKey))?.expiresAt?.getTime() ?? Infinity;
    const expiresAt = new Date(Math.min(now + LIMITS.sessionSeconds * 1000, keyEnds));
    const [standing, sessionId] = await Promise.all([
      systemId === null ? ADMINISTRATOR : this.standingOf(systemId),
      this.sessions.open({ accessKey, systemId, at: now, expiresAt, access: wanted }),
    ]);
    return {
      sessionId,
      sessionKey: await this.sessionKeys.of(sessionId),
      expiresAt: expiresAt.toISOString(),
      serverTime: new Date(now).toISOString(),
      ...standing,
      ...(wanted && { access: await this.access.grant({ ...wanted, sessionId, expiresAt }) }),
    };
  }

  /** @throws LienThongError not_found when the request was not signed with a session */
  async close({ sessionId }: Caller): Promise<void> {
    if (sessionId === undefined) throw new LienThongError('not_found');
    await this.sessions.end(sessionId);
    this.ring.forget();
  }

  private async standingOf(systemId: string): Promise<Pick<SessionAnswer, 'system' | 'outgoing' | 'incoming'>> {
    const [system, agency, outgoing, pending, items] = await Promise.all([
      this.systems.find(systemId),
      this.agencies.find(systemId.split('/')[0]),
      this.packets.countsOf(systemId),
      this.deliveries.waitingCount(systemId),
      this.deliveries.waiting(systemId, { limit: ITEMS }),
    ]);
    if (!system || !agency) throw new LienThongError('not_found');
    return {
      system: { id: system.id, name: system.name, agencyCode: agency.code, agencyName: agency.name },
      outgoing,
      incoming: { pending, items },
    };
  }
}

/** Belongs to no system; the answer keeps its shape. */
const ADMINISTRATOR: Pick<SessionAnswer, 'system' | 'outgoing' | 'incoming'> = {
  system: { id: 'administrator', name: '', agencyCode: '', agencyName: '' },
  outgoing: Object.fromEntries(PACKET_STATES.map((state) => [state, 0])) as Record<PacketState, number>,
  incoming: { pending: 0, items: [] },
};
