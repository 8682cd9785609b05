import type { SignatureAlgorithm } from '@lienthong/contracts';
import { verifySignature } from '@lienthong/signing';
import { AccessKeyVerifier } from './access-key-verifier';
import type { KeyRing } from '../keys/key-ring';
import type { SecretBox } from './secret-box';

/** For the process that holds the master key. */
export class LocalAccessKeyVerifier extends AccessKeyVerifier {
  constructor(
    private readonly ring: Pick<KeyRing, 'key' | 'knows' | 'lookAgain'>,
    private readonly box: Pick<SecretBox, 'openIfWhole' | 'openNothing'>,
  ) {
    super();
  }

  async verify(accessKey: string, alg: SignatureAlgorithm, base: string, signature: Buffer): Promise<boolean> {
    const known = this.ring.knows('key', accessKey);
    const key = await this.ring.key(accessKey);
    const secret =
      key?.sealedSecret && key.algorithms.includes(alg) ? this.box.openIfWhole(key, key.sealedSecret) : undefined;
    const compared = verifySignature(alg, { secret: secret ?? this.box.openNothing() }, base, signature);
    const fits = compared && secret !== undefined;
    if (!fits && known) await this.ring.lookAgain('key', accessKey);
    return fits;
  }
}
