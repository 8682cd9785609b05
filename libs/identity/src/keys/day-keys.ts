import { LienThongError } from '@lienthong/contracts';
import type { DayKeyRootStore } from '@lienthong/persistence';
import { createHmac, randomBytes } from 'node:crypto';
import { DAY_KEYS, type AskAuth } from '../access-keys/ask-auth';
import type { SecretBox } from '../access-keys/secret-box';

/** Who verifies with a day key: sessions only. Another audience would have keys of its own. */
const AUDIENCE = 'sessions';
const DAY_MS = 86_400_000;
/** A session lives an hour at most: the day before today is asked for shortly after midnight (UTC). */
const BACK_MS = DAY_MS;
/** Between two looks of processes at the database's clock. */
const AHEAD_MS = 300_000;

/**
 * Keys of one day and audience (compare AWS Signature Version 4, kSigning). Session keys come from them, and what connector and notifier hold is
 * these alone: a dump of one of them gives the sessions of two days at most, no secret of an access key, and nothing of tomorrow.
 */
export abstract class DayKeys {
  /**
   * @param day `YYYY-MM-DD`, UTC
   * @throws LienThongError session_expired for a day whose sessions have all ended, or one to come; unavailable when auth must be asked and does not answer
   */
  abstract of(day: string): Promise<Buffer>;
}

/** @returns whether sessions of that day may be alive at `now` (milliseconds) */
export function isLive(day: string, now: number): boolean {
  const start = Date.parse(`${day}T00:00:00Z`);
  return start <= now + AHEAD_MS && now < start + DAY_MS + BACK_MS;
}

/** For the process that holds the master key: the root is sealed in the database, under the master key. */
export class LocalDayKeys extends DayKeys {
  private root?: Promise<Buffer>;

  constructor(
    private readonly roots: Pick<DayKeyRootStore, 'current'>,
    private readonly box: Pick<SecretBox, 'seal' | 'bytes'>,
    private readonly now: () => number,
  ) {
    super();
  }

  async of(day: string): Promise<Buffer> {
    if (!isLive(day, this.now())) throw new LienThongError('session_expired');
    this.root ??= this.open().catch((error: unknown) => {
      this.root = undefined;
      throw error;
    });
    return createHmac('sha256', await this.root)
      .update(`${AUDIENCE} ${day}`)
      .digest();
  }

  private async open(): Promise<Buffer> {
    const sealed = await this.roots.current(() => this.box.seal(DAY_KEY_ROOT, randomBytes(32)));
    return this.box.bytes(DAY_KEY_ROOT, sealed);
  }
}

/** What the root is sealed as: it belongs to no access key. */
export const DAY_KEY_ROOT = { accessKey: 'day-key-root', systemId: null };

/** For everybody else: asks auth's internal port, once a day. */
export class RemoteDayKeys extends DayKeys {
  private readonly known = new Map<string, Promise<Buffer>>();

  constructor(
    private readonly auth: Pick<AskAuth, 'ask'>,
    private readonly now: () => number,
  ) {
    super();
  }

  of(day: string): Promise<Buffer> {
    for (const old of this.known.keys()) if (!isLive(old, this.now())) this.known.delete(old);
    if (!isLive(day, this.now())) return Promise.reject(new LienThongError('session_expired'));
    const known = this.known.get(day);
    if (known) return known;
    const asked = this.auth.ask(DAY_KEYS, { day }, keyOf);
    this.known.set(day, asked);
    asked.catch(() => this.known.delete(day));
    return asked;
  }
}

function keyOf(answer: unknown): Buffer | undefined {
  const { key } = answer as { key?: unknown };
  const bytes = typeof key === 'string' ? Buffer.from(key, 'base64url') : undefined;
  return bytes?.length === 32 ? bytes : undefined;
}
