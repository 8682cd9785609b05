import { deriveKey } from '@lienthong/persistence';
import { createHmac, timingSafeEqual } from 'node:crypto';

export const TOKEN_HEADER = 'x-lienthong-internal';

/** A call on its way; both ends go by the database's clock. */
const WINDOW_SECONDS = 60;

/** Proof that a call comes from a process that knows the platform secret: `<Unix seconds>.<HMAC-SHA-256 over time and body, base64url>`. */
export class InternalCalls {
  private readonly key: Buffer;

  /** @param now milliseconds */
  constructor(
    platformSecret: string,
    private readonly now: () => number,
  ) {
    this.key = deriveKey(platformSecret, 'internal-call');
  }

  token(body: string): string {
    const seconds = Math.floor(this.now() / 1000);
    return `${seconds}.${this.mac(seconds, body).toString('base64url')}`;
  }

  isGenuine(token: string | undefined, body: Buffer): boolean {
    const [, time, mac] = /^(\d{1,12})\.([\w-]{43})$/.exec(token ?? '') ?? [];
    if (time === undefined || Math.abs(this.now() / 1000 - Number(time)) > WINDOW_SECONDS) return false;
    const expected = this.mac(Number(time), body);
    const given = Buffer.from(mac, 'base64url');
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  private mac(seconds: number, body: string | Buffer): Buffer {
    return createHmac('sha256', this.key).update(`${seconds}\n`).update(body).digest();
  }
}
