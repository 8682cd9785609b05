import { createPublicKey } from 'node:crypto';
import { type SigningKey } from '@lienthong/signing';
import { Authenticator } from './authenticator';
import {
  box,
  HMAC,
  keyOf,
  NOW,
  OF_SESSION,
  refusal,
  rsa,
  SESSION,
  sessionKeys,
  sessionOf,
  signed,
} from './authenticator.fixture';
import { LocalAccessKeyVerifier } from './access-keys/local-access-key-verifier';
import { KeyRing } from './keys/key-ring';

jest.mock('node:crypto', () => {
  const crypto = jest.requireActual<typeof import('node:crypto')>('node:crypto');
  return { ...crypto, createPublicKey: jest.fn(crypto.createPublicKey) };
});
/** Keys read from their text, of one that is known or of one that stands in for it: dearer than a verification. */
const parsed = jest.mocked(createPublicKey).mock.calls;

/** The same, behind the ring of a process that has just seen both: which queries does a refusal cost? */
function withCaches() {
  const asked: string[] = [];
  const { publicKey: _, ...row } = keyOf();
  const rsaRow = {
    ...row,
    accessKey: 'AK2',
    algorithms: ['rsa-pss-sha512' as const],
    sealedSecret: null,
    publicKeyPem: rsa.publicKey,
  };
  const keys = [{ ...row, publicKeyPem: null }, rsaRow];
  const ring = new KeyRing(
    { find: async (id) => (asked.push('key'), keys.find(({ accessKey }) => accessKey === id)) },
    { find: async (id) => (asked.push('session'), id === SESSION ? sessionOf() : undefined) },
  );
  const verifier = new LocalAccessKeyVerifier(ring, box);
  const nonces = { use: async () => true, isUsed: async () => false };
  return { asked, auth: new Authenticator(ring, sessionKeys, verifier, nonces, { note: () => undefined }, () => NOW) };
}

describe('What a refusal costs', () => {
  it.each([
    ['an HMAC key', HMAC, { ...HMAC, keyId: 'AK9' }],
    [
      'an RSA key',
      { keyId: 'AK2', alg: 'rsa-pss-sha512', privateKeyPem: rsa.privateKey },
      { keyId: 'AK9', alg: 'rsa-pss-sha512', privateKeyPem: rsa.privateKey },
    ],
    ['a session', OF_SESSION, { ...OF_SESSION, keyId: '0197a1b2-7c33-7d00-8000-0123456789ff' }],
  ] as [string, SigningKey, SigningKey][])(
    'A12: asks the database, and reads a key, as often for a wrong signature of %s, however well known, as for one that is unknown',
    async (_what, known, unknown) => {
      const { asked, auth } = withCaches();
      await auth.authenticate(signed(known));
      const queriesOf = async (request: ReturnType<typeof signed>, code: string) => {
        asked.length = parsed.length = 0;
        await expect(auth.authenticate(request)).rejects.toEqual(refusal(code));
        return [...asked, ...parsed.map(() => 'key read')];
      };
      const other = signed(known, { target: '/v1/other' });
      const wrong = {
        ...signed(known),
        rawHeaders: signed(known).rawHeaders.map((text, index, all) =>
          /^signature$/i.test(all[index - 1] ?? '')
            ? other.rawHeaders[other.rawHeaders.findIndex((name) => /^signature$/i.test(name)) + 1]
            : text,
        ),
      };
      const ofUnknown = await queriesOf(signed(unknown), 'unknown_key');
      expect(ofUnknown.length).toBeGreaterThan(0);
      expect(await queriesOf(wrong, 'signature_invalid')).toEqual(ofUnknown);
      expect(await queriesOf(wrong, 'signature_invalid')).toEqual(ofUnknown);
    },
  );
});
