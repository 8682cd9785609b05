import { LienThongError } from '@lienthong/contracts';
import { Controller, Get } from '@nestjs/common';
import type { Response } from 'express';
import { type Started, startApp } from '../boot.fixture';
import { clientOf, RateLimits } from './rate-limit';

@Controller()
class PingController {
  @Get('ping')
  ping() {
    return {};
  }

  @Get('unproven')
  unproven() {
    throw new LienThongError('signature_invalid');
  }
}

describe('rateLimit', () => {
  let running: Started;
  afterEach(() => running.close());
  const ping = (from?: string) =>
    fetch(`${running.url}/ping`, { headers: from ? { 'x-forwarded-for': from } : undefined });

  it('tells on every answer what is left, and answers 429 with the time to wait when nothing is', async () => {
    running = await startApp([PingController], { env: { RATE_LIMIT_PER_MINUTE: '2' } });
    const first = await ping();
    expect(first.headers.get('ratelimit-policy')).toBe('"address";q=2;w=60');
    expect(first.headers.get('ratelimit')).toMatch(/^"address";r=1;t=(60|59)$/);
    expect((await ping()).headers.get('ratelimit')).toMatch(/^"address";r=0;t=/);

    const refused = await ping();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(refused.headers.get('ratelimit')).toMatch(/^"address";r=0;t=/);
    expect(await refused.json()).toMatchObject({ code: 'rate_limited', retryAfter: expect.any(Number) });
    expect((await fetch(`${running.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${running.url}/readyz`)).status).toBe(200);
  });

  it('does not believe X-Forwarded-For unless the proxy is trusted', async () => {
    running = await startApp([PingController], { env: { RATE_LIMIT_PER_MINUTE: '1' } });
    await ping('203.0.113.1');
    expect((await ping('203.0.113.2')).status).toBe(429);
  });

  it('counts by the address that a trusted proxy saw', async () => {
    running = await startApp([PingController], { env: { RATE_LIMIT_PER_MINUTE: '1', TRUST_PROXY: 'loopback' } });
    expect((await ping('203.0.113.1')).status).toBe(200);
    expect((await ping('203.0.113.2')).status).toBe(200);
    expect((await ping('203.0.113.9, 203.0.113.1')).status).toBe(429);
  });

  it('counts a request that did not prove who sent it ten times', async () => {
    running = await startApp([PingController], { env: { RATE_LIMIT_PER_MINUTE: '20' } });
    expect((await fetch(`${running.url}/unproven`)).status).toBe(401);
    expect((await ping()).headers.get('ratelimit')).toMatch(/^"address";r=9;t=/);
    expect((await fetch(`${running.url}/unproven`)).status).toBe(401);
    expect((await ping()).status).toBe(429);
  });

  it('counts an access key beside the address, each with its own number', async () => {
    const limits = new RateLimits({ perAddress: 0, perKey: 2 });
    const headers: string[] = [];
    const res = { append: (_name: string, value: string) => headers.push(value) } as unknown as Response;
    await limits.ofKey('AK1', res);
    await limits.ofKey('AK2', res);
    await limits.ofKey('AK1', res);
    await expect(limits.ofKey('AK1', res)).rejects.toMatchObject({ code: 'rate_limited', params: { limit: 2 } });
    expect(headers[0]).toBe('"key";q=2;w=60');
  });

  it('stops an address, and a key for who failed with it, long before the limit of requests', async () => {
    const limits = new RateLimits({ perAddress: 6000, perKey: 12_000 });
    const res = { append: () => undefined } as unknown as Response;
    const [guesser, holder, other] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((ip) => ({ ip }));
    const attempt = async (key: string, from: { ip: string }) => {
      await limits.ofFailures(key, from, res);
      await limits.countFailure(key, from);
    };
    for (let n = 0; n < 10; n++) await attempt('AK1', guesser);
    await expect(limits.ofFailures('AK1', guesser, res)).rejects.toMatchObject({
      code: 'rate_limited',
      params: { limit: 10, window: 60 },
    });
    await expect(limits.ofFailures('AK1', holder, res)).resolves.toBeUndefined();
    // Guessing from many addresses: each has one attempt, and no second one.
    await attempt('AK1', other);
    await expect(limits.ofFailures('AK1', other, res)).rejects.toMatchObject({ code: 'rate_limited' });

    for (let n = 0; n < 20; n++) await attempt(`AK${n + 2}`, guesser);
    await expect(limits.ofFailures('AK99', guesser, res)).rejects.toMatchObject({ params: { limit: 30 } });
    const off = new RateLimits({ perAddress: 0, perKey: 0 });
    for (let n = 0; n < 40; n++) await off.countFailure('AK1', guesser);
    await expect(off.ofFailures('AK1', guesser, res)).resolves.toBeUndefined();
  });

  it('keeps its memory when requests come from ever new addresses (A13)', async () => {
    const limits = new RateLimits({ perAddress: 0, perKey: 1 });
    const res = { append: () => undefined } as unknown as Response;
    for (let at = 0; at < 50_000; at++) await limits.ofKey(`AK${at}`, res);
    await expect(limits.ofKey('AK7', res)).rejects.toMatchObject({ code: 'rate_limited' });
    // Beyond the number that is counted nobody is refused, and nothing is kept of them.
    for (let twice = 0; twice < 2; twice++) await expect(limits.ofKey('one more', res)).resolves.toBeUndefined();
  });

  it('is off with 0', async () => {
    running = await startApp([PingController], { env: { RATE_LIMIT_PER_MINUTE: '0' } });
    expect((await ping()).headers.get('ratelimit')).toBeNull();
  });

  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('counts %s as %s', (ip, client) => {
    expect(clientOf(ip)).toBe(client);
  });
});
