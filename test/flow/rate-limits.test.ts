import { type Platform, startStandalone } from '../support/platform';

jest.setTimeout(120_000);

/** Small limits would stop the tests that run beside this one on the stack: a platform of its own, everywhere. */
describe('Rate limits', () => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await startStandalone({ RATE_LIMIT_PER_MINUTE: '200', RATE_LIMIT_PER_KEY_PER_MINUTE: '10' });
  });
  afterAll(() => platform?.stop());

  it('open-session: a key and its sessions share what the key may ask for in a minute; the key of another system has its own', async () => {
    const [party, other] = [await platform.makeParty(), await platform.makeParty()];
    const opened = await platform.fetch<{ sessionId: string; sessionKey: string }>('/v1/sessions', {
      method: 'POST',
      body: {},
      key: party.key,
    });
    expect(opened.status).toBe(201);
    const { sessionId, sessionKey } = opened.json;
    const session = { keyId: sessionId, alg: 'hmac-sha256', secret: sessionKey } as const;
    const list = (key: typeof party.key) => platform.fetch('/v1/deliveries', { key });
    const left = [];
    for (let n = 2; n <= 10; n++) {
      const { status, headers } = await list(n % 2 ? session : party.key);
      left.push([status, headers.get('ratelimit')?.match(/"key";r=(\d+);/)?.[1]]);
    }
    expect(left).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => [200, String(n)]));
    for (const key of [party.key, session]) {
      const refused = await list(key);
      expect(refused).toMatchObject({ status: 429, json: { code: 'rate_limited', retryAfter: expect.any(Number) } });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
      expect(refused.headers.get('ratelimit-policy')).toContain('"key";q=10;w=60');
    }
    const free = await list(other.key);
    expect([free.status, free.headers.get('ratelimit')]).toEqual([200, expect.stringContaining('"key";r=9;')]);
  });

  it('check-signature: may be called a hundredth as often as other routes from one address', async () => {
    const ask = () => platform.fetch('/v1/signature-checks', { method: 'POST', body: { http: 'GET / HTTP/1.1\n\n' } });
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 200]);
    const third = await ask();
    expect(third).toMatchObject({ status: 429, json: { code: 'rate_limited', retryAfter: expect.any(Number) } });
    expect(third.headers.get('ratelimit-policy')).toBe('"address";q=200;w=60, "rare";q=2;w=60');
    expect((await platform.fetch('/v1/limits')).status).toBe(200);
  });
});
