import { setTimeout as sleep } from 'node:timers/promises';
import { LienThongClient } from '../client';
import { ACCESS_KEY, FakePlatform, SECRET_KEY } from '../testing/fake-platform';
import { PlatformError } from './platform-error';
import { UnreachableError } from './unreachable-error';

const mismatch = (status: number) => ({
  status,
  body: { code: 'digest_mismatch', status, detail: 'd', title: 't', type: 'x' },
});

describe('connection', () => {
  let platform: FakePlatform;
  let client: LienThongClient;
  const retry = { attempts: 4, totalMs: 10_000, baseMs: 1, maxMs: 5 };

  beforeEach(async () => {
    platform = await new FakePlatform().start();
    platform.route('GET', /^\/v1\/packets\/p$/, () => ({ status: 200, body: { packetId: 'p' } }));
    platform.route('POST', /^\/v1\/packets$/, () => ({ status: 201, body: { packetId: 'p' } }));
    platform.route('POST', /^\/v1\/packets\/p\/statuses$/, () => ({ status: 201, body: {} }));
    client = new LienThongClient({ baseUrl: platform.origin, accessKey: ACCESS_KEY, secretKey: SECRET_KEY, retry });
  });
  afterEach(async () => {
    await client.close();
    await platform.stop();
  });

  const send = () => client.packets.send({ to: ['H01.20'], title: 'V/v', dataType: 'file', parts: [] });
  const used = (call: string) => platform.asked.filter(({ method, path }) => `${method} ${path}` === call);

  it('opens one session for calls made at the same time and signs with it, not with the access key', async () => {
    await Promise.all([client.packets.get('p'), client.packets.get('p'), client.packets.get('p')]);
    expect(platform.count('POST /v1/sessions')).toBe(1);
    expect(platform.asked[0].keyId).toBe(ACCESS_KEY);
    expect(new Set(used('GET /v1/packets/p').map(({ keyId }) => keyId))).toEqual(new Set(platform.sessions.keys()));
  });

  it('signs with the access key itself when told to keep no session', async () => {
    const plain = new LienThongClient({
      baseUrl: platform.origin,
      accessKey: ACCESS_KEY,
      secretKey: SECRET_KEY,
      session: false,
    });
    await plain.packets.get('p');
    await plain.close();
    expect(platform.asked.map(({ keyId }) => keyId)).toEqual([ACCESS_KEY]);
  });

  it('opens a new session when the platform has forgotten the old one, and the call succeeds', async () => {
    await client.packets.get('p');
    platform.sessions.clear();
    await expect(client.packets.get('p')).resolves.toEqual({ packetId: 'p' });
    expect(platform.count('POST /v1/sessions')).toBe(2);
  });

  it('renews a session before it expires', async () => {
    platform.sessionLifeMs = 50;
    await client.packets.get('p');
    await sleep(50);
    await client.packets.get('p');
    expect(platform.count('POST /v1/sessions')).toBe(2);
  });

  it('repeats a send whose answer was lost with the same idempotency key, a fresh nonce and the same body', async () => {
    platform.mishap('POST /v1/packets', 'lostAnswer', 'cut', { status: 502 });
    await expect(send()).resolves.toEqual({ packetId: 'p' });
    const tries = used('POST /v1/packets');
    expect(tries).toHaveLength(4);
    expect(new Set(tries.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(new Set(tries.map(({ headers }) => headers['signature-input'])).size).toBe(4);
    expect(new Set(tries.map(({ body }) => body.toString())).size).toBe(1);
  });

  it('gives every send an idempotency key of its own', async () => {
    await send();
    await send();
    const keys = used('POST /v1/packets').map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(2);
  });

  it('waits as long as Retry-After asks', async () => {
    platform.mishap('GET /v1/packets/p', { code: 'rate_limited', headers: { 'retry-after': '1' } });
    const started = performance.now();
    await client.packets.get('p');
    expect(performance.now() - started).toBeGreaterThanOrEqual(990);
  });

  it('does not repeat a status report whose fate is unknown, but does when it was turned away', async () => {
    platform.mishap('POST /v1/packets/p/statuses', 'lostAnswer');
    await expect(client.packets.reportStatus('p', { code: '03' })).rejects.toBeInstanceOf(UnreachableError);
    expect(platform.count('POST /v1/packets/p/statuses')).toBe(1);
    platform.mishap('POST /v1/packets/p/statuses', { code: 'rate_limited' });
    await client.packets.reportStatus('p', { code: '03' });
    expect(platform.count('POST /v1/packets/p/statuses')).toBe(3);
  });

  it('gives up after the tries it has', async () => {
    platform.mishap('GET /v1/packets/p', ...Array.from({ length: 9 }, () => ({ code: 'unavailable' }) as const));
    await expect(client.packets.get('p')).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    expect(platform.count('GET /v1/packets/p')).toBe(4);
  });

  it('gives up at once when the pause asked for is longer than the time it has', async () => {
    platform.mishap('GET /v1/packets/p', { code: 'unavailable', headers: { 'retry-after': '3600' } });
    await expect(client.packets.get('p')).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 3600 });
    expect(platform.count('GET /v1/packets/p')).toBe(1);
  });

  it('learns the time from a clock_skew refusal and signs with it', async () => {
    const serverTime = new Date(Date.now() + 200_000).toISOString();
    platform.mishap('GET /v1/packets/p', { code: 'clock_skew', members: { serverTime } });
    await client.packets.get('p');
    const created = Number(/created=(\d+)/.exec(String(platform.asked.at(-1)?.headers['signature-input']))?.[1]);
    expect(Math.abs(created - Date.parse(serverTime) / 1000)).toBeLessThan(5);
  });

  it('turns a problem document into the error of contracts, with status, members and the server’s own text', async () => {
    platform.mishap('GET /v1/packets/p', { code: 'wrong_state', members: { state: 'recalled' } });
    const error = await client.packets.get('p').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PlatformError);
    expect(error).toMatchObject({ code: 'wrong_state', status: 409, members: { state: 'recalled' } });
    expect((error as PlatformError).message).toBe((error as PlatformError).problem.detail);
  });

  it('tells the two meanings of digest_mismatch apart by their status', async () => {
    platform.mishap('GET /v1/packets/p', mismatch(409), mismatch(401));
    await expect(client.packets.get('p')).rejects.toMatchObject({ code: 'confirmation_mismatch' });
    await expect(client.packets.get('p')).rejects.toMatchObject({ code: 'digest_mismatch' });
  });

  it('keeps a code that it does not know in the problem, and makes one up for an answer that is no problem document', async () => {
    const unknown = { code: 'from_the_future', status: 409, detail: 'Mới.', title: 't', type: 'x' };
    platform.mishap('GET /v1/packets/p', { status: 409, body: unknown }, { status: 404, body: Buffer.from('<html>') });
    await expect(client.packets.get('p')).rejects.toMatchObject({ problem: unknown, message: 'Mới.' });
    await expect(client.packets.get('p')).rejects.toMatchObject({ code: 'not_found', status: 404 });
  });

  it('says clearly that nobody answers', async () => {
    await platform.stop();
    const error = await client.packets.get('p').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unreachable', neverSent: true });
    expect(String(error)).toContain('ECONNREFUSED');
    platform = await new FakePlatform().start();
  });

  it('refuses a base address with a path, and keys that cannot sign', async () => {
    expect(() => new LienThongClient({ baseUrl: 'https://x.vn/api', accessKey: 'a', secretKey: 'b' })).toThrow(
      'baseUrl',
    );
    const keyless = new LienThongClient({ baseUrl: platform.origin });
    await expect(keyless.packets.get('p')).rejects.toMatchObject({ code: 'invalid_configuration' });
    await keyless.close();
  });
});
