import type { SignatureAlgorithm } from '@lienthong/contracts';
import { verifyAgainstNothing, verifySignature } from '@lienthong/signing';
import { AccessKeyVerifier } from './access-key-verifier';
import type { KeyRing } from '../keys/key-ring';
import type { SecretBox } from './secret-box';

/** For the process that holds the master key. */
export class LocalAccessKeyVerifier extends AccessKeyVerifier {
  constructor(
    private readonly ring: Pick<KeyRing, 'key'>,
    private readonly box: Pick<SecretBox, 'open'>,
  ) {
    super();
  }

  async verify(accessKey: string, alg: SignatureAlgorithm, base: string, signature: Buffer): Promise<boolean> {
    const key = await this.ring.key(accessKey);
    if (!key?.sealedSecret || !key.algorithms.includes(alg)) return verifyAgainstNothing(alg, base, signature);
    return verifySignature(alg, { secret: this.box.open(key, key.sealedSecret) }, base, signature);
  }
}
