import type { SignatureAlgorithm } from '@lienthong/contracts';

/** Whether a signature made with the secret of an access key fits. Whoever cannot open secrets asks auth. */
export abstract class AccessKeyVerifier {
  /**
   * @param alg an HMAC algorithm
   * @returns false also for a key that does not exist, after the same work
   * @throws LienThongError unavailable when nobody who could tell answers
   */
  abstract verify(accessKey: string, alg: SignatureAlgorithm, base: string, signature: Buffer): Promise<boolean>;
}
