import { LienThongError } from '@lienthong/contracts';
import { JOSE_ALGORITHMS, signAssertion } from '@lienthong/signing';
import { type Credentials, signingKeyOf } from './credentials';

/** What shows at the token endpoint who asks (RFC 6749 2.3, RFC 7523). */
export interface ClientProof {
  form: Record<string, string>;
  headers: Record<string, string>;
  /** Good once: the same proof is refused when it comes again. */
  once: boolean;
}

/**
 * HTTP Basic with a secret; `private_key_jwt` with an RSA key, which does not leave this machine.
 * @param audience asked for only where it is signed
 * @throws LienThongError invalid_configuration when there is no key
 */
export async function clientProof(
  { accessKey = '', ...rest }: Partial<Credentials>,
  audience: () => Promise<string>,
): Promise<ClientProof> {
  const { alg, secret, privateKeyPem } = signingKeyOf({ accessKey, ...rest });
  const jose = JOSE_ALGORITHMS[alg];
  if (jose && privateKeyPem) {
    const assertion = await signAssertion({
      clientId: accessKey,
      audience: await audience(),
      alg: jose,
      privateKeyPem,
    });
    return { form: { client_assertion_type: ASSERTION, client_assertion: assertion }, headers: {}, once: true };
  }
  if (!secret) throw new LienThongError('invalid_configuration', { why: 'secretKey | privateKeyPem' });
  const pair = [accessKey, secret.toString()].map(encodeURIComponent).join(':');
  return { form: {}, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }, once: false };
}

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
