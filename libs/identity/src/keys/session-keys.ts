import { createHmac } from 'node:crypto';
import type { DayKeys } from './day-keys';

/** Keys of sessions are computed, not stored: every process that has the day's key verifies a session by itself, and the database holds nothing to steal. */
export class SessionKeys {
  constructor(private readonly dayKeys: Pick<DayKeys, 'of'>) {}

  /**
   * @param sessionId UUIDv7: its time says under which day's key it is
   * @returns the session's secret, base64url of 32 bytes; its text is the HMAC secret (protocol 4)
   * @throws LienThongError session_expired, unavailable: as {@link DayKeys.of}
   */
  async of(sessionId: string): Promise<string> {
    const dayKey = await this.dayKeys.of(dayOf(sessionId));
    return createHmac('sha256', dayKey).update(sessionId).digest('base64url');
  }
}

/** The UTC day in which a UUIDv7 was made (RFC 9562 5.7: 48 bits of milliseconds first). */
const dayOf = (id: string): string =>
  new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toISOString().slice(0, 10);
