import { SignJWT, UnsecuredJWT } from 'jose';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { newPlatformKey, platformKeyOf } from '../receipts/platform-key';
import { signReceipt } from '../receipts/sign-receipt';
import { signAssertion, verifyAssertion } from './assertion';
import { ACCESS_TOKEN, BEARER_TOKEN, signToken, type TokenClaims, tokenKeyOf, verifyToken } from './token';

const { publicJwk, kid, privatePem } = newPlatformKey();
const key = platformKeyOf(kid, privatePem);
const now = 1_790_000_000_000;
const claims: TokenClaims = { iss: 'https://p', sub: 'A', aud: 'B', jti: '1', iat: now / 1000, exp: now / 1000 + 60 };
const expected = { type: ACCESS_TOKEN, issuer: 'https://p', audience: 'B', jwks: { keys: [publicJwk] }, now };

describe('tokens of the platform', () => {
  it('verify against the published key, with what they say', async () => {
    const token = await signToken({ ...claims, purpose: 'access' }, ACCESS_TOKEN, key);
    expect(await verifyToken(token, expected)).toEqual({ ...claims, purpose: 'access' });
    expect(tokenKeyOf(token)).toEqual({ kid, issuer: 'https://p' });
  });

  it.each([
    ['another type', { type: BEARER_TOKEN }],
    ['another issuer', { issuer: 'https://q' }],
    ['another audience', { audience: 'C' }],
    ['another key', { jwks: { keys: [newPlatformKey().publicJwk] } }],
    ['no key', { jwks: { keys: [] } }],
    ['a later time than its end', { now: now + 60_000 }],
  ])('are nothing to %s', async (_, other) => {
    const token = await signToken(claims, ACCESS_TOKEN, key);
    expect(await verifyToken(token, { ...expected, ...other })).toBeUndefined();
  });

  it('are nothing with a claim missing, two audiences, no signature, another algorithm, or a receipt in their place', async () => {
    const { exp: _, ...endless } = claims;
    const header = { alg: 'EdDSA', kid, typ: ACCESS_TOKEN };
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const receipt = {
      ...claims,
      packetId: 'p',
      event: 'packet.accepted',
      from: 'A',
      to: ['B'],
      parts: [],
      prev: null,
    } as const;
    const tokens = [
      await new SignJWT(endless).setProtectedHeader(header).sign(key.privateKey),
      await new SignJWT({ ...claims, aud: ['B', 'C'] }).setProtectedHeader(header).sign(key.privateKey),
      new UnsecuredJWT(claims).encode(),
      await new SignJWT(claims).setProtectedHeader({ alg: 'PS512', kid, typ: ACCESS_TOKEN }).sign(pair.privateKey),
      signReceipt(receipt, key),
      '',
      'a.b',
    ];
    for (const token of tokens) expect(await verifyToken(token, expected)).toBeUndefined();
    expect(tokenKeyOf('a.b')).toBeUndefined();
  });
});

describe('assertions of clients (private_key_jwt)', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privateKeyPem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const publicKey = createPublicKey(pair.publicKey.export({ type: 'spki', format: 'pem' }));
  const client = {
    publicKey,
    algorithms: ['PS512'],
    clientId: 'AK',
    audience: ['https://p', 'https://p/oauth2/token'],
    now: Date.now(),
  };
  const made = { clientId: 'AK', audience: 'https://p', alg: 'PS512', privateKeyPem };

  it('verify for the issuer and for the token endpoint, each with an id of its own', async () => {
    const first = await verifyAssertion(await signAssertion(made), client);
    const second = await verifyAssertion(await signAssertion({ ...made, audience: 'https://p/oauth2/token' }), client);
    expect(first?.jti).not.toBe(second?.jti);
    expect(first!.exp - Date.now() / 1000).toBeLessThanOrEqual(60);
  });

  it.each([
    ['another client', { clientId: 'AK2' }],
    ['another audience', { audience: 'https://q' }],
    ['an algorithm that the key was not registered for', { alg: 'RS256' }],
  ])('are nothing for %s', async (_, other) => {
    expect(await verifyAssertion(await signAssertion({ ...made, ...other }), client)).toBeUndefined();
  });

  it('are nothing without id or end, or when they live longer than five minutes', async () => {
    const seconds = Math.floor(Date.now() / 1000);
    const base = { iss: 'AK', sub: 'AK', aud: 'https://p' };
    for (const [more, good] of [
      [{ jti: 'x', exp: seconds + 290 }, true],
      [{ jti: 'x', exp: seconds + 3600 }, false],
      [{ jti: 'x' }, false],
      [{ exp: seconds + 60 }, false],
      [{ jti: '', exp: seconds + 60 }, false],
      [{ jti: 'x', exp: seconds - 120 }, false],
    ] as const) {
      const jwt = await new SignJWT({ ...base, ...more }).setProtectedHeader({ alg: 'PS512' }).sign(pair.privateKey);
      expect([more, (await verifyAssertion(jwt, client)) !== undefined]).toEqual([more, good]);
    }
  });
});
