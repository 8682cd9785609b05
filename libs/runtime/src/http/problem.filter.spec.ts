import { LienThongError } from '@lienthong/contracts';
import { BadRequestException, type CanActivate, Controller, Get, Param, Post, UseGuards } from '@nestjs/common';
import { connect } from 'node:net';
import { type Started, startApp } from '../boot.fixture';
import { Step } from './request-log';

class Refusing implements CanActivate {
  canActivate(): boolean {
    throw new LienThongError('signature_missing');
  }
}
class Closed implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

let thrown: unknown;

@Controller('v1')
class FailingController {
  @Get('fail')
  fail() {
    throw thrown;
  }

  @Step('request-space')
  @UseGuards(Refusing)
  @Post('packets')
  guarded() {
    return {};
  }

  @UseGuards(Closed)
  @Get('closed')
  closed() {
    return {};
  }

  @Get('packets/:id')
  one(@Param('id') id: string) {
    return { id };
  }
}

describe('ProblemFilter', () => {
  let running: Started;
  beforeAll(async () => {
    running = await startApp([FailingController], {
      before: [
        (req, _res, next) => {
          if (req.path === '/express') throw new LienThongError('upload_refused');
          next();
        },
      ],
    });
  });
  afterAll(() => running.close());
  beforeEach(() => {
    running.lines.length = 0;
  });

  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${running.url}${path}`, init);
    return { answer, problem: (await answer.json()) as Record<string, unknown> };
  };
  const failWith = (error: unknown, language = 'en') => {
    thrown = error;
    return ask('/v1/fail?token=canary', { headers: { 'accept-language': language } });
  };
  const written = async (event: string) => {
    for (;;) {
      const line = running.lines.find((candidate) => candidate.event === event);
      if (line) return line;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  it.each([
    ['vi', 'vi', 'Nội dung vượt giới hạn'],
    ['en', 'en', 'Body too large'],
    ['en-US,vi;q=0.5', 'en', 'Body too large'],
    ['fr', 'vi', 'Nội dung vượt giới hạn'],
    ['vi-VN,en;q=0.8', 'vi', 'Nội dung vượt giới hạn'],
    ['*', 'vi', 'Nội dung vượt giới hạn'],
  ])('answers Accept-Language %s in %s, with the same code', async (asked, language, title) => {
    const sizes = { limit: 10, actual: 11 };
    const { answer, problem } = await failWith(new LienThongError('body_too_large', sizes, sizes), asked);
    expect(answer.status).toBe(413);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.headers.get('content-language')).toBe(language);
    expect(problem).toMatchObject({
      type: 'urn:lienthong:error:body_too_large',
      title,
      status: 413,
      code: 'body_too_large',
      instance: '/v1/fail',
      limit: 10,
      actual: 11,
    });
  });

  it('shows an unexpected error only as a reference, under which its stack is in the log', async () => {
    const { answer, problem } = await failWith(new TypeError('canary: column "secret" of relation'));
    expect(answer.status).toBe(500);
    expect(problem.code).toBe('internal_error');
    expect(JSON.stringify(problem)).not.toContain('canary');
    expect(problem.detail).toContain(String(problem.reference));
    expect(await written('unexpected error')).toMatchObject({
      level: 'error',
      reference: problem.reference,
      requestId: answer.headers.get('x-request-id'),
      err: { type: 'TypeError', stack: expect.stringContaining('problem.filter.spec') },
    });
    expect(await written('request failed')).toMatchObject({ level: 'error', status: 500, code: 'internal_error' });
  });

  it.each([['a string'], [undefined], [null], [{ odd: true }]])(
    'takes it in its stride that %j was thrown',
    async (what) => {
      expect((await failWith(what)).problem.code).toBe('internal_error');
    },
  );

  it.each([
    ['a refused connection', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'network'],
    ['a database that shuts down', { name: 'QueryFailedError', driverError: { code: '57P01' } }, 'database'],
  ])('answers %s with 503 and a time to come back', async (_what, error, what) => {
    const { answer, problem } = await failWith(error);
    expect(answer.status).toBe(503);
    expect(problem.code).toBe('unavailable');
    expect(problem.detail).toContain(what);
    const seconds = Number(answer.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(2);
    expect(seconds).toBeLessThanOrEqual(10);
    expect(problem.retryAfter).toBe(seconds);
  });

  it('says in the log which dependency a 503 was about and what it said, to the client the first only', async () => {
    const cause = new Error('canary: connect timeout');
    const away = Object.assign(new LienThongError('unavailable', { what: 'storage', retryAfter: 5 }), { cause });
    const { problem } = await failWith(away);
    expect(problem.detail).toContain('storage');
    expect(JSON.stringify(problem)).not.toContain('canary');
    expect(await written('request failed')).toMatchObject({
      code: 'unavailable',
      what: 'storage',
      err: { message: 'canary: connect timeout' },
    });
  });

  it('answers a full disk with 507', async () => {
    const { answer, problem } = await failWith(Object.assign(new Error('no space'), { code: '53100' }));
    expect([answer.status, problem.code]).toEqual([507, 'storage_full']);
  });

  it('sends Retry-After with 429', async () => {
    const { answer } = await failWith(new LienThongError('rate_limited', { limit: 1, window: 60, retryAfter: 7 }));
    expect(answer.headers.get('retry-after')).toBe('7');
  });

  it('renders what a guard refused, and names its step in the log', async () => {
    const { answer, problem } = await ask('/v1/packets', { method: 'POST' });
    expect([answer.status, problem.code]).toEqual([401, 'signature_missing']);
    expect(await written('request-space refused')).toMatchObject({
      level: 'info',
      status: 401,
      code: 'signature_missing',
    });
    expect((await ask('/v1/closed')).problem).toMatchObject({ status: 403, code: 'access_denied' });
  });

  it('renders what middleware before Nest refused', async () => {
    expect((await ask('/express')).problem).toMatchObject({ status: 403, code: 'upload_refused' });
  });

  it('answers an unknown path with 404, and a known path with 405 and the methods that it takes', async () => {
    expect((await ask('/v1/nothing')).problem).toMatchObject({ status: 404, code: 'not_found' });
    const { answer, problem } = await ask('/v1/packets/7', { method: 'DELETE' });
    expect(problem).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(answer.headers.get('allow')).toBe('GET');
    const alive = await ask('/healthz', { method: 'DELETE' });
    expect({ ...alive.problem, allow: alive.answer.headers.get('allow') }).toMatchObject({ status: 405, allow: 'GET' });
  });

  it('answers a path that cannot be decoded, and the refusals of Nest, with 400', async () => {
    expect((await ask('/v1/packets/%FF')).problem).toMatchObject({ status: 400, code: 'malformed_request' });
    const { problem } = await failWith(new BadRequestException('the cursor is none of ours'));
    expect(problem).toMatchObject({ status: 400, code: 'malformed_request' });
    expect(problem.detail).toContain('the cursor is none of ours');
  });

  it('writes no error for a client that goes away while it sends its body', async () => {
    const socket = connect(running.port, '127.0.0.1');
    socket.write(
      'POST /v1/packets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a"',
    );
    socket.once('connect', () => setImmediate(() => socket.destroy()));
    expect(await written('request aborted')).toMatchObject({ level: 'info', status: 499 });
    expect(running.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });
});
