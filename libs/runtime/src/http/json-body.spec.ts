import { LIMITS } from '@lienthong/contracts';
import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { connect } from 'node:net';
import { type Started, startApp } from '../boot.fixture';
import { jsonBody } from './json-body';

@Controller()
class EchoController {
  @Post('echo')
  @HttpCode(200)
  echo(@Req() req: Request, @Body() body: unknown) {
    return { body: body ?? null, raw: req.rawBody?.toString('base64') ?? null };
  }
}

const ofSize = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`;

describe('jsonBody', () => {
  let running: Started;
  beforeAll(async () => {
    running = await startApp([EchoController], {
      before: [(req, res, next) => (req.get('x-short') ? jsonBody({ timeoutMs: 30 })(req, res, next) : next())],
    });
  });
  afterAll(() => running.close());

  const post = async (body: RequestInit['body'], headers: Record<string, string> = {}, query = '') => {
    const answer = await fetch(`${running.url}/echo${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'accept-language': 'en', ...headers },
      body,
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    } as RequestInit);
    return (await answer.json()) as Record<string, unknown>;
  };

  it('gives the handler the value and the exact bytes', async () => {
    const body = '{ "tiêu đề" : "Công văn" }\n';
    expect(await post(body)).toEqual({
      body: { 'tiêu đề': 'Công văn' },
      raw: Buffer.from(body).toString('base64'),
    });
    expect(await post('{}', { 'content-type': 'application/json; charset=UTF-8' })).toMatchObject({ body: {} });
  });

  it('has no raw body when nothing was sent', async () => {
    expect(await post(undefined)).toEqual({ body: null, raw: null });
  });

  it('takes 1 MiB and refuses one byte more, with limit and actual, whether announced or streamed', async () => {
    const limit = LIMITS.jsonBodyBytes;
    expect(await post(ofSize(limit))).toHaveProperty('raw');
    const expected = { status: 413, code: 'body_too_large', limit, actual: limit + 1 };
    expect(await post(ofSize(limit + 1))).toMatchObject(expected);
    expect(await post(new Blob([ofSize(limit + 1)]).stream())).toMatchObject(expected);
  });

  const rawAnswer = (request: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = '';
      const socket = connect(running.port, '127.0.0.1', () => socket.write(request));
      socket.on('data', (chunk) => (answer += String(chunk)));
      socket.once('close', () => resolve(answer));
      socket.once('error', reject);
    });
  const HEAD = 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

  it('refuses an announced gigabyte at once and hangs up', async () => {
    const answer = await rawAnswer(`${HEAD}Content-Length: 1000000000\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"actual":1000000000');
  });

  it('does not wait longer than its time limit for a body that trickles', async () => {
    const answer = await rawAnswer(`${HEAD}X-Short: 1\r\nContent-Length: 10\r\n\r\n{`);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('request_timeout');
  });

  it.each([
    ['{"a":1,"a":2}', 'the name "a" occurs twice'],
    ['{"__proto__":{}}', '__proto__'],
    ['{"a":', 'syntax error'],
    ['3', 'not an object or array'],
  ])('refuses %s as malformed', async (body, why) => {
    expect(await post(body)).toMatchObject({
      status: 400,
      code: 'malformed_json',
      detail: expect.stringContaining(why),
    });
  });

  it.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['application/jsonp'],
    ['application/json; charset=utf-16'],
    [''],
  ])('refuses a body of type %j', async (type) => {
    expect(await post(new TextEncoder().encode('{}'), { 'content-type': type })).toMatchObject({
      status: 415,
      code: 'unsupported_media_type',
    });
  });

  it('refuses a compressed body, whose bytes on the wire are not those that are parsed', async () => {
    expect(await post('{}', { 'content-encoding': 'gzip' })).toMatchObject({ status: 415 });
  });

  it.each(['__proto__', 'constructor', 'toString'])(
    'refuses a query that names %s, as every object does',
    async (name) => {
      expect(await post(undefined, {}, `?${name}=1`)).toMatchObject({ status: 400, code: 'malformed_request' });
    },
  );

  it('refuses a name that occurs twice in the query', async () => {
    expect(await post(undefined, {}, '?limit=1&limit=2')).toMatchObject({ status: 400, code: 'malformed_request' });
  });
});
