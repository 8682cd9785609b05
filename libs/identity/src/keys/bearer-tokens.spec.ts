import { type ErrorCode, LienThongError } from '@lienthong/contracts';
import { ACCESS_TOKEN, BEARER_TOKEN, newPlatformKey, platformKeyOf, signToken } from '@lienthong/signing';
import type { IncomingMessage } from 'node:http';
import { bearerTokenOf, BearerTokens } from './bearer-tokens';
import type { RingKey } from './key-ring';

const ISSUER = 'https://lienthong.example';
const PACKET = '0197a1b2-7c33-7d00-8000-0123456789ab';
const KEY: RingKey = {
  accessKey: 'AK1',
  systemId: 'H01.14/qlvb',
  algorithms: ['hmac-sha256'],
  sealedSecret: null,
  publicKeyPem: null,
  publicKey: null,
  bearer: true,
  expiresAt: null,
  revokedAt: null,
  legacyUntil: null,
  suspendedAt: null,
  dissolvedAt: null,
};
const platformKey = () => {
  const { publicJwk, kid, privatePem } = newPlatformKey();
  return { publicJwk, key: platformKeyOf(kid, privatePem) };
};
const PLATFORM = platformKey();
const seconds = () => Math.floor(Date.now() / 1000);
const tokenOf = (
  scope: unknown = 'file',
  {
    type = BEARER_TOKEN,
    by = PLATFORM.key,
    ...more
  }: { type?: string; by?: typeof PLATFORM.key; aud?: string; exp?: number } = {},
) => {
  const times = { iat: seconds(), exp: seconds() + 60 };
  return signToken({ iss: ISSUER, aud: ISSUER, sub: 'AK1', jti: '1', scope, ...times, ...more }, type, by);
};

function world({ key = KEY, ended }: { key?: RingKey; ended?: ErrorCode } = {}) {
  const published = [PLATFORM.publicJwk];
  let reads = 0;
  const asked: unknown[] = [];
  const bearers = new BearerTokens(
    {
      jwks: async () => {
        reads++;
        return { keys: [...published] };
      },
    },
    { key: async (accessKey) => (accessKey === key.accessKey ? key : undefined) },
    {
      assertStillValid: async () => {
        if (ended) throw new LienThongError(ended);
      },
    },
    {
      dataTypeOf: async (of, id) => {
        asked.push([of, id]);
        return id === PACKET ? 'file' : undefined;
      },
    },
    Date,
  );
  return { bearers, published, asked, reads: () => reads };
}

const request = (more: object = {}) =>
  ({ method: 'POST', originalUrl: '/v1/packets?x', headers: {}, ...more }) as Parameters<
    BearerTokens['assertInScope']
  >[1];

describe('callers by bearer token', () => {
  it('are known with their data types, and evidence that says that nothing was signed', async () => {
    const caller = await world().bearers.authenticate(await tokenOf('edxml.document file'), request());
    expect(caller).toEqual({
      accessKey: 'AK1',
      systemId: 'H01.14/qlvb',
      keyId: 'AK1',
      alg: 'bearer',
      administrator: false,
      dataTypes: ['edxml.document', 'file'],
      request: {
        method: 'POST',
        path: '/v1/packets?x',
        signatureInput: '',
        signature: '',
        alg: 'bearer',
        keyId: 'AK1',
      },
    });
    const free = await world().bearers.authenticate(await tokenOf('*'), request());
    expect(free).not.toHaveProperty('dataTypes');
  });

  it.each([
    ['that has expired', () => tokenOf('file', { exp: seconds() - 1 })],
    ['for a destination’s own service', () => tokenOf('file', { type: ACCESS_TOKEN, aud: 'H01.20/motcua' })],
    ['of another audience', () => tokenOf('file', { aud: 'https://elsewhere.example' })],
    ['of a key that is not the platform’s', () => tokenOf('file', { by: platformKey().key })],
    ['that is none', async () => 'a.b.c'],
  ])('are not known by a token %s', async (_, token) => {
    await expect(world().bearers.authenticate(await token(), request())).rejects.toMatchObject({
      code: 'token_invalid',
    });
  });

  it.each<[string, Partial<RingKey>]>([
    ['is not marked for tokens any more', { bearer: false }],
    ['is gone', { accessKey: 'AK2' }],
    ['is an administrator’s', { systemId: null }],
    ['belongs to an agency that was dissolved', { dissolvedAt: new Date() }],
  ])('are not known by a token whose key %s', async (_, change) => {
    const { bearers } = world({ key: { ...KEY, ...change } });
    await expect(bearers.authenticate(await tokenOf(), request())).rejects.toMatchObject({ code: 'token_invalid' });
  });

  it.each(['key_revoked', 'key_expired'] as const)('are told of their key: %s', async (ended) => {
    await expect(world({ ended }).bearers.authenticate(await tokenOf(), request())).rejects.toMatchObject({
      code: ended,
    });
  });

  it('are known by a new key of the platform at the latest after 5 s, and a wrong one does not make the keys be read each time', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    try {
      const { bearers, published, reads } = world();
      await bearers.authenticate(await tokenOf(), request());
      const next = platformKey();
      published.unshift(next.publicJwk);
      for (let n = 0; n < 3; n++)
        await expect(bearers.authenticate(await tokenOf('file', { by: next.key }), request())).rejects.toThrow();
      expect(reads()).toBe(1);
      jest.advanceTimersByTime(5001);
      expect(await bearers.authenticate(await tokenOf('file', { by: next.key }), request())).toMatchObject({
        keyId: 'AK1',
      });
      expect(reads()).toBe(2);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('the data types of a bearer token', () => {
  const assert = (
    more: object,
    scope: 'item' | 'list' | 'all' = 'item',
    dataTypes: string[] | undefined = ['file'],
  ) => {
    const { bearers, asked } = world();
    return { asked, done: bearers.assertInScope({ dataTypes }, request(more), scope) };
  };

  it('must have the one of a packet that is sent', async () => {
    await expect(assert({ body: { dataType: 'file' } }).done).resolves.toBeUndefined();
    for (const body of [{ dataType: 'edxml.document' }, { dataType: ['file'] }, {}, undefined])
      await expect(assert({ body }).done).rejects.toMatchObject({ code: 'insufficient_scope' });
    const { params } = await assert({ body: { dataType: 'x' } }).done.then(
      () => ({ params: {} }),
      (error: LienThongError) => error,
    );
    expect(params).toEqual({ what: 'POST /v1/packets', needed: 'x' });
  });

  it('must have the one of the packet or delivery in the path; else it is as if there were none', async () => {
    const own = assert({ params: { packetId: PACKET } });
    await expect(own.done).resolves.toBeUndefined();
    expect(own.asked).toEqual([['packet', PACKET]]);
    const delivery = assert({ params: { deliveryId: PACKET } });
    await expect(delivery.done).resolves.toBeUndefined();
    expect(delivery.asked).toEqual([['delivery', PACKET]]);
    const absent = { params: { packetId: PACKET.replace('0197', '0198') } };
    for (const done of [assert(absent).done, assert({ params: { packetId: PACKET } }, 'item', ['other']).done])
      await expect(done).rejects.toMatchObject({ code: 'not_found' });
    const none = assert({ params: { packetId: 'x' } });
    await expect(none.done).resolves.toBeUndefined();
    expect(none.asked).toEqual([]);
  });

  it('are left to a list to keep to, and are not enough where a route cannot', async () => {
    await expect(assert({}, 'list').done).resolves.toBeUndefined();
    await expect(assert({}, 'all').done).rejects.toMatchObject({ code: 'insufficient_scope', params: { needed: '*' } });
  });

  it('are all with *', async () => {
    const { bearers, asked } = world();
    for (const scope of ['item', 'list', 'all'] as const) await bearers.assertInScope({}, request(), scope);
    expect(asked).toEqual([]);
  });
});

describe('the token of a request', () => {
  const of = (headers: Record<string, string>) => bearerTokenOf({ headers } as unknown as IncomingMessage);

  it('is the one of Authorization, in the form of RFC 6750, and none when the request is signed', () => {
    expect(of({ authorization: 'bearer a.b-_.c' })).toBe('a.b-_.c');
    for (const authorization of ['Bearer a.b', 'Bearer a.b.c d', 'Basic a.b.c', ' Bearer a.b.c', ''])
      expect([authorization, of({ authorization })]).toEqual([authorization, undefined]);
    expect(of({ authorization: 'Bearer a.b.c', signature: 'x' })).toBeUndefined();
    expect(of({ authorization: 'Bearer a.b.c', 'signature-input': 'x' })).toBeUndefined();
  });
});
