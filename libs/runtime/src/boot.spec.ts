import { Controller, Get, HttpCode, type OnApplicationBootstrap, type OnModuleDestroy, Post } from '@nestjs/common';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { LienThongError } from '@lienthong/contracts';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { type Started, startApp } from './boot.fixture';
import { HealthChecks, NotReady } from './health/health-checks';
import { logContext, Step } from './http/request-log';
import { Shutdown } from './shutdown';

const order: string[] = [];
let release: () => void;
const entered = () => new Promise<void>((resolve) => (onEntered = resolve));
let onEntered: () => void = () => undefined;

@Controller()
class SlowController implements OnModuleDestroy {
  constructor(private readonly shutdown: Shutdown) {}

  @Get('slow')
  async slow() {
    onEntered();
    await new Promise<void>((resolve) => (release = resolve));
    order.push('answered');
    return { done: true };
  }

  @Get('poll')
  async poll() {
    onEntered();
    await once(this.shutdown.signal, 'abort');
    return { items: [] };
  }

  @Get('stuck')
  async stuck() {
    onEntered();
    await new Promise(() => undefined);
  }

  @Step('confirm-receipt')
  @Post('packets/:id/confirm')
  @HttpCode(200)
  confirm() {
    logContext().add({ packetId: 'p1' });
    return {};
  }

  onModuleDestroy() {
    order.push('destroyed');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('boot', () => {
  let running: Started;
  afterEach(() => running.close());
  beforeEach(() => {
    order.length = 0;
  });

  it('answers /healthz, /readyz and /metrics on the public port when there is no internal one', async () => {
    running = await startApp([SlowController], { name: 'connector', version: '1.2.3' });
    const alive = await fetch(`${running.url}/healthz`);
    expect(await alive.json()).toEqual({
      status: 'ok',
      app: 'connector',
      version: '1.2.3',
      uptimeSeconds: expect.any(Number),
    });
    expect((await fetch(`${running.url}/readyz`)).status).toBe(200);
    await fetch(`${running.url}/packets/1/confirm`, { method: 'POST' });
    const metrics = await (await fetch(`${running.url}/metrics`)).text();
    expect(metrics).toContain('nodejs_eventloop_lag_seconds');
    expect(metrics).toMatch(
      /http_request_duration_seconds_count\{method="POST",route="\/packets\/:id\/confirm",status="200"\} 1/,
    );
  });

  it('turns not ready with the reason when a registered check fails', async () => {
    running = await startApp([]);
    const health = running.app.get(HealthChecks);
    health.register('database', async () => undefined);
    health.register('queue', async () => {
      throw new NotReady('2 of 4 consumers attached');
    });
    const answer = await fetch(`${running.url}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      status: 'not ready',
      checks: { database: 'ok', queue: '2 of 4 consumers attached' },
    });
  });

  it('is alive and not ready until its start is over', async () => {
    const port = await freePort();
    const seen: unknown[] = [];
    @Controller()
    class LateController implements OnApplicationBootstrap {
      async onApplicationBootstrap() {
        const [alive, ready] = await Promise.all(
          ['healthz', 'readyz'].map((path) => fetch(`http://127.0.0.1:${port}/${path}`)),
        );
        seen.push(alive.status, ready.status, await ready.json());
      }
    }
    running = await startApp([LateController], { env: { INTERNAL_PORT: String(port) } });
    expect(seen).toEqual([200, 503, { status: 'not ready', checks: { start: 'not over yet' } }]);
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', checks: {} }]);
  });

  it('keeps readiness, metrics and internal routes on the internal port only', async () => {
    const port = await freePort();
    running = await startApp([], {
      env: { INTERNAL_PORT: String(port) },
      internal: (router) => {
        router.post('/internal/echo', (req, res) => void res.json({ got: req.body }));
        router.get('/internal/refuse', () => {
          throw new LienThongError('access_denied', { what: 'x' });
        });
      },
    });
    const internal = `http://127.0.0.1:${port}`;
    for (const path of ['/readyz', '/metrics', '/internal/refuse'])
      expect((await fetch(`${running.url}${path}`)).status).toBe(404);
    expect((await fetch(`${running.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${internal}/healthz`)).status).toBe(200);
    expect((await fetch(`${internal}/readyz`)).status).toBe(200);
    expect((await fetch(`${internal}/metrics`)).status).toBe(200);

    const headers = { 'content-type': 'application/json' };
    const echoed = await fetch(`${internal}/internal/echo`, { method: 'POST', headers, body: '{"a":1}' });
    expect(await echoed.json()).toEqual({ got: { a: 1 } });
    const refused = await fetch(`${internal}/internal/refuse`, { headers: { 'accept-language': 'en' } });
    expect(await refused.json()).toMatchObject({ code: 'access_denied', status: 403 });
    expect(await (await fetch(`${internal}/absent`)).json()).toMatchObject({ code: 'not_found' });
  });

  it('finishes what is under way before it closes, and takes nothing new', async () => {
    const strategy = {
      listen: (callback: () => void) => callback(),
      close: async () => void order.push('queue drained'),
    } as unknown as CustomTransportStrategy;
    running = await startApp([SlowController], { microservice: () => strategy });
    const reached = entered();
    const slow = fetch(`${running.url}/slow`);
    await reached;

    const closed = running.close();
    expect(running.app.get(Shutdown).draining).toBe(true);
    await expect(fetch(`${running.url}/healthz`)).rejects.toThrow('fetch failed');
    release();
    const answer = await slow;
    expect(await answer.json()).toEqual({ done: true });
    expect(answer.headers.get('connection')).toBe('close');
    await closed;
    expect(order.slice(0, 3)).toEqual(['queue drained', 'answered', 'destroyed']);
    expect(running.lines.at(-1)).toMatchObject({ event: 'stopped' });
  });

  it('lets a long poll answer early when draining begins', async () => {
    running = await startApp([SlowController]);
    const reached = entered();
    const poll = fetch(`${running.url}/poll`);
    await reached;
    await running.close();
    expect(await (await poll).json()).toEqual({ items: [] });
  });

  it('cuts off a request that outlasts the draining time, and says so', async () => {
    running = await startApp([SlowController], { drainMs: 50 });
    const reached = entered();
    const stuck = fetch(`${running.url}/stuck`).catch((error: Error) => error.message);
    await reached;
    await running.close();
    expect(await stuck).toBe('fetch failed');
    expect(running.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', event: 'work under way was cut off', requests: 1 }),
    );
  });

  it('says in one sentence which setting to change when the port is taken', async () => {
    running = await startApp([]);
    await expect(startApp([], { env: { PORT: String(running.port) } })).rejects.toMatchObject({
      name: 'BootError',
      message: `PORT: port ${running.port} is in use by another program; stop that program or set PORT to another port.`,
    });
  });

  it('says which setting is wrong when a proxy to trust is none', async () => {
    running = await startApp([]);
    await expect(startApp([], { env: { TRUST_PROXY: 'my-proxy' } })).rejects.toMatchObject({
      name: 'BootError',
      message: expect.stringMatching(/^TRUST_PROXY: .*my-proxy/),
    });
  });

  it('writes one wide line per request, named after its step, with what the handler added', async () => {
    running = await startApp([SlowController]);
    const answer = await fetch(`${running.url}/packets/42/confirm?token=canary`, {
      method: 'POST',
      headers: { 'x-request-id': 'req-1' },
    });
    expect(answer.headers.get('x-request-id')).toBe('req-1');
    await running.close();
    const lines = running.lines.filter((line) => line.route !== undefined);
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'info',
        event: 'confirm-receipt done',
        step: 'confirm-receipt',
        method: 'POST',
        route: '/packets/:id/confirm',
        path: '/packets/42/confirm',
        status: 200,
        durationMs: expect.any(Number),
        requestId: 'req-1',
        packetId: 'p1',
      }),
    ]);
    expect(JSON.stringify(running.lines)).not.toContain('canary');
  });

  it('gives the request to handlers mounted before the body is read', async () => {
    let received = '';
    running = await startApp([], {
      before: [
        async (req, res, next) => {
          if (req.method !== 'PUT') return next();
          for await (const chunk of req) received += String(chunk);
          res.status(201).end();
        },
      ],
    });
    const answer = await fetch(`${running.url}/objects/1`, { method: 'PUT', body: 'not JSON' });
    expect(answer.status).toBe(201);
    expect(received).toBe('not JSON');
  });
});
