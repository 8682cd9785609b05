import type { SignatureAlgorithm } from '@lienthong/contracts';
import { type SigningKey } from '@lienthong/signing';
import { createPublicKey } from 'node:crypto';
import {
  HMAC,
  keyOf,
  NOW,
  OF_SESSION,
  platform,
  refusal,
  rsa,
  SESSION,
  sessionOf,
  signed,
} from './authenticator.fixture';
import { evidenceOf } from './evidence';

describe('Authenticator', () => {
  it('tells the system, the key and the evidence of a request signed with an access key', async () => {
    const { auth, touched, rows } = platform();
    const request = signed(HMAC, { body: '{}' });
    const caller = await auth.authenticate(request);
    expect(caller).toMatchObject({
      systemId: 'H01.14/qlvb',
      accessKey: 'AK1',
      keyId: 'AK1',
      alg: 'hmac-sha256',
      administrator: false,
    });
    expect(caller.sessionId).toBeUndefined();
    const [, digest, , input, , signature] = request.rawHeaders;
    expect(caller.request).toEqual({
      method: 'POST',
      path: '/v1/packets?limit=5',
      signatureInput: input,
      signature,
      contentDigest: digest,
      alg: 'hmac-sha256',
      keyId: 'AK1',
    });
    expect(touched).toEqual(['AK1']);
    expect(rows.size).toBe(1);
  });

  it('knows an administrator by a key that belongs to no system', async () => {
    const { auth } = platform({ key: keyOf({ systemId: null }) });
    expect(await auth.authenticate(signed())).toMatchObject({ systemId: null, administrator: true });
  });

  it('takes a session, whose requests carry its id, by the key computed from the key of the day', async () => {
    const caller = await platform().auth.authenticate(signed(OF_SESSION));
    expect(caller).toMatchObject({ keyId: SESSION, sessionId: SESSION, accessKey: 'AK1', systemId: 'H01.14/qlvb' });
  });

  it.each(['rsa-pss-sha512', 'rsa-v1_5-sha256'] as const)('takes a key pair with %s', async (alg) => {
    const key = keyOf({ algorithms: [alg], sealedSecret: null, publicKey: createPublicKey(rsa.publicKey) });
    const caller = await platform({ key }).auth.authenticate(
      signed({ keyId: 'AK1', alg, privateKeyPem: rsa.privateKey }),
    );
    expect(caller.alg).toBe(alg);
  });

  it('keeps of what a key pair signed all that a third party needs to verify it again', async () => {
    const publicKey = createPublicKey(rsa.publicKey);
    const key = keyOf({ algorithms: ['rsa-pss-sha512'], sealedSecret: null, publicKey });
    const request = signed({ keyId: 'AK1', alg: 'rsa-pss-sha512', privateKeyPem: rsa.privateKey }, { body: '{"a":1}' });
    const caller = await platform({ key }).auth.authenticate(request);
    const { kty, n, e } = publicKey.export({ format: 'jwk' });
    expect(caller.request.publicKey).toEqual({ kty, n, e });
    expect(evidenceOf(caller)).toMatchObject({ proof: { by: 'privateKey' }, request: { body: 'eyJhIjoxfQ==' } });
    const among = evidenceOf(caller, { alone: false });
    expect(among.proof.by).toBe('privateKeyDigest');
    expect(among.request.body).toBeUndefined();
    const shared = await platform().auth.authenticate(signed(HMAC, { body: '{"a":1}' }));
    expect(evidenceOf(shared)).toMatchObject({ proof: { by: 'sharedSecret' } });
    expect(shared.body).toBeUndefined();
    expect(evidenceOf({ request: { ...shared.request, alg: 'bearer' } }).proof.by).toBe('nothing');
  });

  it('takes HMAC-SHA-1 only with a key that an administrator allowed it for', async () => {
    const weak: SigningKey = { ...HMAC, alg: 'hmac-sha1' };
    await expect(platform().auth.authenticate(signed(weak))).rejects.toEqual(
      refusal('algorithm_not_allowed', { members: { allowed: ['hmac-sha256'] } }),
    );
    const algorithms: SignatureAlgorithm[] = ['hmac-sha256', 'hmac-sha1'];
    const legacyUntil = new Date(NOW + 1000);
    const caller = await platform({ key: keyOf({ algorithms, legacyUntil }) }).auth.authenticate(signed(weak));
    expect(caller).toMatchObject({ alg: 'hmac-sha1', legacyUntil });
    // Without a date, and after it.
    for (const ended of [null, new Date(NOW)])
      await expect(
        platform({ key: keyOf({ algorithms, legacyUntil: ended }) }).auth.authenticate(signed(weak)),
      ).rejects.toEqual(refusal('algorithm_not_allowed', { members: { allowed: ['hmac-sha256'] } }));
  });

  it('never takes the public key as an HMAC secret (A9)', async () => {
    const key = keyOf({
      algorithms: ['rsa-pss-sha512'],
      sealedSecret: null,
      publicKey: createPublicKey(rsa.publicKey),
    });
    const confused: SigningKey = { keyId: 'AK1', alg: 'hmac-sha256', secret: rsa.publicKey };
    await expect(platform({ key }).auth.authenticate(signed(confused))).rejects.toEqual(
      refusal('algorithm_not_allowed'),
    );
  });

  it('takes a session with hmac-sha256 only', async () => {
    const weak: SigningKey = { ...OF_SESSION, alg: 'hmac-sha1' };
    await expect(platform().auth.authenticate(signed(weak))).rejects.toEqual(refusal('algorithm_not_allowed'));
  });

  it('refuses a nonce that was used, and a repetition of the whole request', async () => {
    const { auth } = platform();
    const request = signed(HMAC, { nonce: 'n-0123456789abcdef' });
    await auth.authenticate(request);
    await expect(auth.authenticate(request)).rejects.toEqual(refusal('replayed_request'));
    const other = signed(HMAC, { nonce: 'n-0123456789abcdef', target: '/v1/other' });
    await expect(auth.authenticate(other)).rejects.toEqual(refusal('replayed_request'));
  });

  it('lets exactly one of many equal requests at the same moment through', async () => {
    const { auth } = platform();
    const request = signed();
    const results = await Promise.allSettled(Array.from({ length: 30 }, () => auth.authenticate(request)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it.each([
    ['a wrong secret', signed({ ...HMAC, secret: 'other' }), 'signature_invalid'],
    ['an unknown access key', signed({ ...HMAC, keyId: 'AK2' }), 'unknown_key'],
    ['an unknown session', signed({ ...OF_SESSION, keyId: SESSION.replace('1', '2') }), 'unknown_key'],
    ['a session with a wrong key', signed({ ...OF_SESSION, secret: 'other' }), 'signature_invalid'],
    ['another path', { ...signed(), target: '/v1/packets?limit=6' }, 'signature_invalid'],
    ['another body', { ...signed(HMAC, { body: '{}' }), body: Buffer.from('{ }') }, 'digest_mismatch'],
    ['a body that is not covered', { ...signed(), body: Buffer.from('{}') }, 'signature_incomplete'],
    ['no signature', { ...signed(), rawHeaders: [] }, 'signature_missing'],
  ])('refuses %s, and records no nonce of it', async (_what, request, code) => {
    const { auth, rows, touched } = platform();
    await expect(auth.authenticate(request)).rejects.toEqual(refusal(code));
    expect(rows.size + touched.length).toBe(0);
  });

  it('refuses a clock that is more than 300 s off and tells its own time', async () => {
    const { auth } = platform();
    for (const seconds of [-301, 301]) {
      const request = signed(HMAC, { created: NOW / 1000 + seconds });
      const members = { serverTime: '2026-11-20T08:00:00.000Z' };
      await expect(auth.authenticate(request)).rejects.toEqual(refusal('clock_skew', { members }));
    }
    await expect(auth.authenticate(signed(HMAC, { created: NOW / 1000 + 300 }))).resolves.toBeDefined();
  });

  it.each([
    ['a revoked key', { key: keyOf({ revokedAt: new Date(NOW) }) }, HMAC, 'key_revoked'],
    ['a key of a suspended system', { key: keyOf({ suspendedAt: new Date(NOW) }) }, HMAC, 'key_revoked'],
    ['an expired key', { key: keyOf({ expiresAt: new Date(NOW) }) }, HMAC, 'key_expired'],
    ['an expired session', { session: sessionOf({ expiresAt: new Date(NOW) }) }, OF_SESSION, 'session_expired'],
    ['a closed session', { session: sessionOf({ endedAt: new Date(NOW) }) }, OF_SESSION, 'session_expired'],
    ['a session of a revoked key', { session: sessionOf({ keyRevokedAt: new Date(NOW) }) }, OF_SESSION, 'key_revoked'],
    ['a session of an expired key', { session: sessionOf({ keyExpiresAt: new Date(NOW) }) }, OF_SESSION, 'key_expired'],
  ])('tells %s only to who proved to have it', async (_what, state, key, code) => {
    const { auth, rows } = platform(state);
    await expect(auth.authenticate(signed(key))).rejects.toEqual(refusal(code));
    await expect(auth.authenticate(signed({ ...key, secret: 'other' }))).rejects.toEqual(refusal('signature_invalid'));
    expect(rows.size).toBe(0);
  });

  describe('of a request whose body is still to come', () => {
    const withBody = { body: '{"a":1}' };

    it('knows who signed it, and records nothing before the body is there', async () => {
      const { auth, rows } = platform();
      const request = signed(HMAC, withBody);
      expect(await auth.recognise(request, () => false)).toMatchObject({ systemId: 'H01.14/qlvb', accessKey: 'AK1' });
      expect(rows.size).toBe(0);
      expect(await auth.authenticate(request)).toMatchObject({ systemId: 'H01.14/qlvb', keyId: 'AK1' });
      expect(rows.size).toBe(1);
    });

    it('knows nobody when it was received before: a body to come would be waited for in another’s place', async () => {
      const { auth } = platform();
      const request = signed(HMAC, withBody);
      await auth.authenticate(request);
      const again = { ...request, rawHeaders: [...request.rawHeaders] };
      await expect(auth.recognise(again, () => false)).rejects.toEqual(refusal('replayed_request'));
      await expect(auth.authenticate(again)).rejects.toEqual(refusal('replayed_request'));
      // With its body it keeps nobody waiting, and is refused when it is looked at.
      await expect(auth.recognise(again, () => true)).resolves.toBeDefined();
      await expect(auth.authenticate(again)).rejects.toEqual(refusal('replayed_request'));
    });

    it('does not take another body, path or method for it afterwards', async () => {
      for (const [change, code] of [
        [{ body: Buffer.from('{"a":2}') }, 'digest_mismatch'],
        [{ target: '/v1/other' }, 'signature_invalid'],
        [{ method: 'PUT' }, 'signature_invalid'],
      ] as const) {
        const { auth } = platform();
        const request = signed(HMAC, withBody);
        await auth.recognise(request, () => false);
        await expect(auth.authenticate({ ...request, ...change })).rejects.toEqual(refusal(code));
      }
    });

    it('knows nobody by a wrong signature, an old one or a key that has ended, and says why when the body is there', async () => {
      const strangers = [
        [platform(), signed({ ...HMAC, secret: 'other' }, withBody), 'signature_invalid'],
        [platform(), signed({ ...HMAC, keyId: 'AK9' }, withBody), 'unknown_key'],
        [platform(), signed(HMAC, { ...withBody, created: NOW / 1000 - 301 }), 'clock_skew'],
        [platform({ key: keyOf({ revokedAt: new Date(NOW) }) }), signed(HMAC, withBody), 'key_revoked'],
      ] as const;
      for (const [{ auth, rows }, request, code] of strangers) {
        await expect(auth.recognise(request, () => false)).rejects.toEqual(refusal(code));
        await expect(auth.authenticate(request)).rejects.toEqual(refusal(code));
        expect(rows.size).toBe(0);
      }
    });

    it('refuses it when its key was revoked while it waited', async () => {
      const key = keyOf();
      const { auth } = platform({ key });
      const request = signed(HMAC, withBody);
      await auth.recognise(request, () => false);
      key.revokedAt = new Date(NOW);
      await expect(auth.authenticate(request)).rejects.toEqual(refusal('key_revoked'));
    });
  });

  it('tells of a stream whether its session or key still holds', async () => {
    const holder = { accessKey: 'AK1', systemId: 'H01.14/qlvb' };
    await expect(platform().auth.assertStillValid(holder)).resolves.toBeUndefined();
    await expect(platform().auth.assertStillValid({ ...holder, sessionId: SESSION })).resolves.toBeUndefined();
    const revoked = platform({ key: keyOf({ revokedAt: new Date(NOW) }) });
    await expect(revoked.auth.assertStillValid(holder)).rejects.toEqual(refusal('key_revoked'));
    const ended = platform({ session: sessionOf({ endedAt: new Date(NOW) }) });
    await expect(ended.auth.assertStillValid({ ...holder, sessionId: SESSION })).rejects.toEqual(
      refusal('session_expired'),
    );
  });
});
