import { Controller, Get, Post, UseGuards, type CanActivate, Injectable } from '@nestjs/common';
import { type Started, startApp } from '../boot.fixture';
import { Admission, type Pressure } from './admission';
import { createLog, type Log } from '../log';
import { connect, type Socket } from 'node:net';

@Injectable()
class Lowest implements CanActivate {
  constructor(private readonly admission: Admission) {}

  canActivate(): boolean {
    this.admission.assertRoomForLowest();
    return true;
  }
}

let held: (() => void)[] = [];

/** Of a system for each key; `forged` is none. */
const keyIn = (input: unknown) => /;keyid="(\w+)"/.exec(String(input))?.[1];
const signedBy = (keyId: string) => ({ 'signature-input': `sig=("@method");created=1;keyid="${keyId}"` });

@Controller()
class Exchange {
  @Get('list')
  list() {
    return { items: [] };
  }

  @Post('urgent')
  async urgent() {
    await new Promise<void>((resolve) => held.push(resolve));
    return {};
  }

  @Post('lowest')
  @UseGuards(Lowest)
  lowest() {
    return {};
  }

  @Post('confirm')
  confirm() {
    return {};
  }

  @Post('open')
  open() {
    return {};
  }
}

describe('admission', () => {
  let running: Started;
  let pressure: Pressure;
  let enough: AbortController;

  beforeEach(async () => {
    held = [];
    enough = new AbortController();
    pressure = 0;
    running = await startApp([Exchange], {
      env: { OVERLOAD_LAG_MS: '50' },
      urgencyOf: ({ method, path }) => (method === 'GET' ? 'reading' : path === '/confirm' ? 'rest' : 'new'),
    });
    running.app
      .get(Admission)
      .knowBy(async ({ headers }) => (headers.forged ? undefined : keyIn(headers['signature-input'])));
  });
  afterEach(async () => {
    enough.abort();
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const release of held) release();
    await running.close();
  });

  let systems = 0;
  const ask = (method: string, path: string, keyId = `LT${(systems += 1)}`, signal?: AbortSignal) =>
    fetch(`${running.url}/${path}`, { method, headers: signedBy(keyId), ...(signal && { signal }) });
  const statuses = async () => {
    const answers = await Promise.all([ask('GET', 'list'), ask('POST', 'lowest'), ask('POST', 'confirm')]);
    return answers.map(({ status }) => status);
  };
  const until = async (what: () => Promise<boolean>) => {
    while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it('refuses reading and new work of the lowest class first, then all new work, and never what is under way already', async () => {
    const admission = running.app.get(Admission);
    const log = createLog({ name: 'spec', level: 'silent' });
    admission.watch('store', 5, async () => pressure, log);
    expect(await statuses()).toEqual([200, 201, 201]);

    pressure = 1;
    await until(async () => (await ask('GET', 'list')).status === 503);
    expect(await statuses()).toEqual([503, 503, 201]);
    const urgent = ask('POST', 'urgent');
    await until(async () => held.length === 1);
    held.pop()?.();
    expect((await urgent).status).toBe(201);

    pressure = 2;
    await until(async () => (await (await ask('GET', 'metrics')).text()).includes('lienthong_admission_pressure 2'));
    expect((await ask('POST', 'urgent')).status).toBe(503);
    expect(await statuses()).toEqual([503, 503, 201]);

    pressure = 0;
    await until(async () => (await ask('GET', 'list')).status === 200);
    expect(await statuses()).toEqual([200, 201, 201]);
  });

  it('refuses nobody for a signal that cannot be read, and logs it once', async () => {
    const admission = running.app.get(Admission);
    const log = { ...createLog({ name: 'spec', level: 'silent' }), error: jest.fn() } as unknown as Log & {
      error: jest.Mock;
    };
    let looks = 0;
    pressure = 1;
    const probe = async () => {
      looks += 1;
      if (pressure > 0) return pressure;
      throw new Error('no such table');
    };
    admission.watch('backlog', 5, probe, log);
    await until(async () => (await ask('GET', 'list')).status === 503);
    pressure = 0;
    await until(async () => (await ask('GET', 'list')).status === 200);
    const seen = looks;
    await until(async () => looks > seen + 2);
    expect(log.error.mock.calls).toEqual([
      [{ timer: 'pressure-backlog', err: new Error('no such table') }, 'pressure-backlog failed'],
    ]);
  });

  it('answers with a problem document and a spread Retry-After, and counts what it refused and why (A40)', async () => {
    const admission = running.app.get(Admission);
    admission.watch('store', 5, async () => 2, createLog({ name: 'spec', level: 'silent' }));
    await until(async () => (await ask('POST', 'lowest')).status === 503);
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask('POST', 'lowest')));
    const waits = new Set(answers.map(({ headers }) => Number(headers.get('retry-after'))));
    expect(waits.size).toBeGreaterThan(3);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(2);
    expect(await answers[0].json()).toMatchObject({ code: 'overloaded', status: 503, retryAfter: expect.any(Number) });
    const metrics = await (await fetch(`${running.url}/metrics`)).text();
    expect(metrics).toMatch(/lienthong_admission_refused_total\{urgency="new",signal="store"\} 3\d/);
    expect(metrics).toContain('lienthong_admission_pressure 2');
  });

  it('takes no more new work than there is room for, keeps the last of it from the lowest class, and has it back when work is done', async () => {
    // 32 to begin with; four fifths of it for the lowest class.
    const under = Array.from({ length: 26 }, () => ask('POST', 'urgent'));
    await until(async () => held.length === 26);
    expect((await ask('POST', 'lowest')).status).toBe(503);
    under.push(...Array.from({ length: 6 }, () => ask('POST', 'urgent')));
    await until(async () => held.length === 32);
    expect((await ask('POST', 'urgent')).status).toBe(503);
    expect((await ask('POST', 'confirm')).status).toBe(201);
    for (const release of held.splice(0)) release();
    expect((await Promise.all(under)).map(({ status }) => status)).toEqual(Array.from({ length: 32 }, () => 201));
    expect((await ask('POST', 'lowest')).status).toBe(201);
  });

  it('has the requests of one caller wait for each other and nobody else for them, and refuses what new work of it comes then', async () => {
    const flood = Array.from({ length: 36 }, () => ask('POST', 'urgent', 'flood'));
    await until(async () => (await (await ask('GET', 'metrics')).text()).includes('lienthong_admission_waiting 32'));
    expect(held).toHaveLength(4);
    const more = await ask('POST', 'urgent', 'flood');
    expect([more.status, Number(more.headers.get('retry-after')) > 0]).toEqual([503, true]);
    expect((await ask('POST', 'lowest', 'other')).status).toBe(201);
    expect((await ask('POST', 'confirm', 'other')).status).toBe(201);
    for (let ended = 0; ended < 36; ended += 1) {
      await until(async () => held.length > 0);
      held.pop()?.();
    }
    expect((await Promise.all(flood)).map(({ status }) => status)).toEqual(Array.from({ length: 36 }, () => 201));
  });

  it('has who asks far more than others rest long while their work takes longer than at ease, and only then', async () => {
    const work = async (tookMs: number) => {
      await until(async () => held.length > 0);
      await new Promise((resolve) => setTimeout(resolve, tookMs));
      held.pop()?.();
    };
    const other = (tookMs: number) => Promise.all([ask('POST', 'urgent'), work(tookMs)]);
    for (let n = 0; n < 24; n += 1) await other(60);
    const { signal } = enough;
    // As many as are never refused: one under way, and no more before one that comes than a line has slots. One that is refused or cut off ends.
    const lane = async () => {
      while ((await ask('POST', 'urgent', 'flood', signal)).ok);
    };
    for (let n = 0; n < 5; n += 1) void lane().catch(() => undefined);
    /** From the end of a request of the flood to the beginning of its next one, ms. */
    const rest = async () => {
      await work(200);
      const began = performance.now();
      await until(async () => held.length > 0);
      return performance.now() - began;
    };
    /** The same after two of another, which is there meanwhile; one of the flood is under way. */
    const restBeside = async (tookMs: number) => {
      await until(async () => held.length > 0);
      const flooding = held.splice(0);
      await other(tookMs);
      await other(tookMs);
      held.push(...flooding);
      return rest();
    };
    // For a second nothing tells it from a source that catches up; then, for five seconds from the first request on, others are to be at ease.
    for (let n = 0; n < 3; n += 1) expect(await rest()).toBeLessThan(400);
    await until(async () => (await rest()) > 450);
    // That its own take three times as long is no strain of others.
    let near = Infinity;
    for (let n = 0; n < 20 && near > 400; n += 1) near = await restBeside(60);
    expect(near).toBeLessThan(400);
    let far = 0;
    for (let n = 0; n < 20 && far < 450; n += 1) far = await restBeside(150);
    expect(far).toBeGreaterThan(450);
    expect(await metric('lienthong_admission_strain')).toBeGreaterThan(1.2);
  }, 60_000);

  const sockets: Socket[] = [];
  /** A request whose body does not come. @returns what it is answered, when it is */
  function slow(path: string, headers = ''): Promise<string> {
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n`;
    return new Promise((resolve) => {
      const socket = connect(running.port, '127.0.0.1', () => socket.write(`${head}${headers}\r\n{`));
      sockets.push(socket);
      socket.on('data', (chunk) => resolve(String(chunk)));
      socket.on('error', () => undefined);
    });
  }
  const metric = async (name: string) =>
    Number(new RegExp(`^${name} ([\\d.]+)$`, 'm').exec(await (await ask('GET', 'metrics')).text())?.[1]);

  it('gives a slot and a place to who proves to be the caller: not to slow requests in its name, nor to those in nobody’s', async () => {
    for (let n = 0; n < 31; n += 1) {
      const [name, value] = Object.entries(signedBy('real'))[0];
      void slow('/urgent', n % 2 ? `${name}: ${value}\r\nForged: yes\r\n` : '');
    }
    await until(async () => sockets.every(({ bytesWritten }) => bytesWritten > 0));
    const real = Array.from({ length: 4 }, () => ask('POST', 'urgent', 'real'));
    await until(async () => held.length === 4);
    expect(await metric('lienthong_admission_waiting')).toBe(0);
    expect(await metric('lienthong_admission_under_way')).toBe(4);
    for (const release of held.splice(0)) release();
    expect((await Promise.all(real)).map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  });

  it('has the slowest body of a stranger give way when too many are read from its address, at once and with a Retry-After', async () => {
    const first = slow('/open');
    await until(async () => sockets[0].bytesWritten > 0);
    for (let n = 0; n < 128; n += 1) void slow('/open');
    expect(await first).toMatch(/^HTTP\/1\.1 503 .*\r\nretry-after: \d+\r\n.*"overloaded"/is);
    expect((await ask('POST', 'confirm')).status).toBe(201);
    const metrics = await (await ask('GET', 'metrics')).text();
    expect(metrics).toContain('lienthong_admission_refused_total{urgency="new",signal="bodies"} 1');
  });

  it('sees that its own event loop is late, and takes new work again when it is not', async () => {
    const block = setInterval(() => {
      for (const until = performance.now() + 260; performance.now() < until;);
    }, 1);
    await until(async () => (await ask('POST', 'lowest')).status === 503);
    expect((await ask('POST', 'confirm')).status).toBe(201);
    clearInterval(block);
    await until(async () => (await ask('POST', 'lowest')).status === 201);
  }, 20_000);
});
