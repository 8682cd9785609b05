import type { SignatureAlgorithm } from '@lienthong/contracts';
import { AccessKeyVerifier } from './access-key-verifier';
import { ACCESS_KEY_CHECKS, type AskAuth } from './ask-auth';

/** For who holds no master key. */
export class RemoteAccessKeyVerifier extends AccessKeyVerifier {
  constructor(private readonly auth: Pick<AskAuth, 'ask'>) {
    super();
  }

  verify(accessKey: string, alg: SignatureAlgorithm, base: string, signature: Buffer): Promise<boolean> {
    const question = { accessKey, alg, base, signature: signature.toString('base64') };
    return this.auth.ask(ACCESS_KEY_CHECKS, question, (answer) => {
      const { valid } = answer as { valid?: unknown };
      return typeof valid === 'boolean' ? valid : undefined;
    });
  }
}
