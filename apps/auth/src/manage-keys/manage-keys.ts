import { type IssuedKey, type KeyView, LienThongError, type NewKey } from '@lienthong/contracts';
import { KeyRing, SecretBox } from '@lienthong/identity';
import { KeyStore, SystemStore } from '@lienthong/persistence';
import { validationFailed } from '@lienthong/runtime';
import { weaknessOf } from '@lienthong/signing';
import { Inject, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';

/** @returns a new access key, which is an identity and no secret, and a secret of 256 bits whose text is the HMAC key */
export const newPair = (): { accessKey: string; secretKey: string } => ({
  accessKey: `AK${randomBytes(12).toString('hex').toUpperCase()}`,
  secretKey: randomBytes(32).toString('base64url'),
});

/** Issues, lists and revokes the keys of a system (A0). Several may hold at once: a new one is issued before the old one is revoked. */
@Injectable()
export class ManageKeys {
  constructor(
    @Inject(SystemStore) private readonly systems: Pick<SystemStore, 'find'>,
    @Inject(KeyStore) private readonly keys: Pick<KeyStore, 'add' | 'list' | 'revoke'>,
    @Inject(SecretBox) private readonly box: Pick<SecretBox, 'seal'>,
    @Inject(KeyRing) private readonly ring: Pick<KeyRing, 'forget'>,
  ) {}

  /** @throws LienThongError not_found, validation_failed when algorithms and kind of key do not fit, weak_key */
  async issue(address: string, { algorithms, publicKeyPem, bearer = false, expiresAt }: NewKey): Promise<IssuedKey> {
    const systemId = await this.systemId(address);
    const isHmac = algorithms.every((alg) => alg.startsWith('hmac-'));
    refuseMisfit(algorithms, isHmac, publicKeyPem);
    const expires = expiresAt === undefined ? null : new Date(expiresAt);
    if (expires && expires.getTime() <= Date.now())
      throw invalid('/expiresAt', 'past', 'Thời điểm hết hạn đã qua.', 'The time has passed.');
    const { accessKey, secretKey } = newPair();
    await this.keys.add({
      accessKey,
      systemId,
      algorithms,
      sealedSecret: isHmac ? this.box.seal({ accessKey, systemId }, secretKey) : null,
      publicKeyPem: publicKeyPem ?? null,
      bearer,
      expiresAt: expires,
    });
    return {
      accessKey,
      ...(isHmac && { secretKey }),
      systemId,
      algorithms,
      expiresAt: expires?.toISOString() ?? null,
    };
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

  private async systemId(address: string): Promise<string> {
    const system = await this.systems.find(address);
    if (!system) throw new LienThongError('not_found');
    return system.id;
  }
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
