import {
  type IssuedKey,
  type KeyRotation,
  type KeyView,
  LienThongError,
  type NewKey,
  type RotatedKey,
} from '@lienthong/contracts';
import { KeyRing, SecretBox } from '@lienthong/identity';
import { DatabaseClock, KeyStore, type NewKeyRecord, SystemStore } from '@lienthong/persistence';
import { validationFailed } from '@lienthong/runtime';
import { weaknessOf } from '@lienthong/signing';
import { Inject, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';

/** @returns a new access key, which is an identity and no secret, and a secret of 256 bits whose text is the HMAC key */
export const newPair = (): { accessKey: string; secretKey: string } => ({
  accessKey: `AK${randomBytes(12).toString('hex').toUpperCase()}`,
  secretKey: randomBytes(32).toString('base64url'),
});

/** How long a key goes on beside the one that replaces it, when nothing else is asked for. */
const OVERLAP_SECONDS = 7 * 86_400;

/** Issues, lists, rotates and revokes the keys of a system (A0). */
@Injectable()
export class ManageKeys {
  constructor(
    @Inject(SystemStore) private readonly systems: Pick<SystemStore, 'find'>,
    @Inject(KeyStore) private readonly keys: Pick<KeyStore, 'add' | 'find' | 'list' | 'replace' | 'revoke'>,
    @Inject(SecretBox) private readonly box: Pick<SecretBox, 'seal'>,
    @Inject(KeyRing) private readonly ring: Pick<KeyRing, 'forget'>,
    @Inject(DatabaseClock) private readonly clock: Pick<DatabaseClock, 'now'>,
  ) {}

  /** @throws LienThongError not_found, validation_failed when algorithms and kind of key do not fit, weak_key */
  async issue(address: string, asked: NewKey): Promise<IssuedKey> {
    const { algorithms, publicKeyPem, bearer = false, expiresAt } = asked;
    const systemId = await this.systemId(address);
    const { key, secretKey } = this.make(
      { systemId, algorithms, bearer, legacyUntil: legacyDate(algorithms, asked.legacyUntil, this.clock.now()) },
      publicKeyPem,
      expiresAt,
    );
    await this.keys.add(key);
    return issued(key, secretKey);
  }

  /**
   * A new key of the same kind in place of one in force; both hold until the former ends, `overlapSeconds` from now or when it would have ended
   * anyway. The system goes over to the new one meanwhile, without a stop (AG Art. 14).
   * @throws LienThongError not_found, wrong_state when the key is no longer in force or was replaced already, validation_failed, weak_key
   */
  async rotate(address: string, accessKey: string, rotation: KeyRotation): Promise<RotatedKey> {
    const systemId = await this.systemId(address);
    const former = await this.keys.find(accessKey);
    if (former?.systemId !== systemId) throw new LienThongError('not_found');
    const { publicKeyPem, expiresAt, overlapSeconds = OVERLAP_SECONDS } = rotation;
    const { key, secretKey } = this.make(former, publicKeyPem, expiresAt);
    const ends = await this.keys.replace(accessKey, key, overlapSeconds);
    if (!ends) throw new LienThongError('wrong_state', { state: 'replaced', action: 'rotate' });
    this.ring.forget();
    return { ...issued(key, secretKey), replaces: { accessKey, expiresAt: ends.toISOString() } };
  }

  /** @throws LienThongError not_found */
  async list(address: string): Promise<KeyView[]> {
    return this.keys.list(await this.systemId(address));
  }

  /** The key and the sessions opened with it are refused: here at once, by every instance within 5 s. @throws LienThongError not_found */
  async revoke(address: string, accessKey: string): Promise<void> {
    if (!(await this.keys.revoke(await this.systemId(address), accessKey))) throw new LienThongError('not_found');
    this.ring.forget();
  }

  private make(
    of: Pick<NewKeyRecord, 'systemId' | 'algorithms' | 'bearer' | 'legacyUntil'>,
    publicKeyPem: string | undefined,
    expiresAt: string | undefined,
  ): { key: NewKeyRecord; secretKey?: string } {
    const isHmac = of.algorithms.every((alg) => alg.startsWith('hmac-'));
    refuseMisfit(of.algorithms, isHmac, publicKeyPem);
    const expires = expiresAt === undefined ? null : new Date(expiresAt);
    if (expires && expires.getTime() <= this.clock.now())
      throw invalid('/expiresAt', 'past', 'Thời điểm hết hạn đã qua.', 'The time has passed.');
    const { accessKey, secretKey } = newPair();
    const owner = { accessKey, systemId: of.systemId };
    const key = {
      ...owner,
      algorithms: of.algorithms,
      sealedSecret: isHmac ? this.box.seal(owner, secretKey) : null,
      publicKeyPem: publicKeyPem ?? null,
      bearer: of.bearer,
      legacyUntil: of.legacyUntil ?? null,
      expiresAt: expires,
    };
    return isHmac ? { key, secretKey } : { key };
  }

  private async systemId(address: string): Promise<string> {
    const system = await this.systems.find(address);
    if (!system) throw new LienThongError('not_found');
    return system.id;
  }
}

const issued = (key: NewKeyRecord, secretKey: string | undefined): IssuedKey => ({
  accessKey: key.accessKey,
  ...(secretKey !== undefined && { secretKey }),
  systemId: key.systemId ?? '',
  algorithms: key.algorithms,
  expiresAt: key.expiresAt?.toISOString() ?? null,
});

/** A year, and a day for zones and leap years. */
const LEGACY_MS = 366 * 86_400_000;

/** hmac-sha1 stands alone (a secret of its own) and ends on a date within a year; nothing else has such a date. */
function legacyDate(algorithms: string[], legacyUntil: string | undefined, now: number): Date | null {
  const isLegacy = algorithms.includes('hmac-sha1');
  if (isLegacy && algorithms.length > 1)
    throw invalid(
      '/algorithms',
      'legacy_alone',
      'Khóa hmac-sha1 không dùng chung với thuật toán khác; hãy cấp hai khóa.',
      'A key for hmac-sha1 has no other algorithm; issue two keys.',
    );
  if (!isLegacy && legacyUntil === undefined) return null;
  if (!isLegacy)
    throw invalid(
      '/legacyUntil',
      'unexpected',
      'Chỉ khóa hmac-sha1 có ngày này.',
      'Only a key for hmac-sha1 has this date.',
    );
  const until = new Date(legacyUntil ?? Number.NaN).getTime();
  if (!(until > now && until <= now + LEGACY_MS))
    throw invalid(
      '/legacyUntil',
      'legacy_date',
      'Khóa hmac-sha1 chỉ được cấp có thời hạn: nêu ngày trong vòng một năm tới.',
      'hmac-sha1 is allowed to a date only: name one within a year.',
    );
  return new Date(until);
}

function refuseMisfit(algorithms: string[], isHmac: boolean, publicKeyPem: string | undefined): void {
  if (!isHmac && algorithms.some((alg) => alg.startsWith('hmac-')))
    throw invalid(
      '/algorithms',
      'mixed',
      'Một khóa là HMAC hoặc RSA, không cả hai.',
      'A key is HMAC or RSA, not both.',
    );
  if (isHmac && publicKeyPem !== undefined)
    throw invalid(
      '/publicKeyPem',
      'unexpected',
      'Khóa HMAC không có khóa công khai.',
      'An HMAC key has no public key.',
    );
  if (isHmac) return;
  if (publicKeyPem === undefined)
    throw invalid('/publicKeyPem', 'required', 'Khóa RSA cần khóa công khai.', 'An RSA key needs the public key.');
  const why = weaknessOf(publicKeyPem);
  if (why !== null) throw new LienThongError('weak_key', { why });
}

const invalid = (pointer: string, code: string, vi: string, en: string): LienThongError =>
  validationFailed([{ pointer, code, message: { vi, en } }]);
