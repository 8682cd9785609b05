import { Controller, Get, Param } from '@nestjs/common';
import { type Socket, connect } from 'node:net';
import { type Started, startApp } from '../boot.fixture';
import { isPlain } from './plain-target';

@Controller('v1')
class ThingsController {
  @Get('things/:id')
  read(@Param('id') id: string) {
    return { id };
  }
}

describe('plainTarget', () => {
  it.each([
    '/',
    '/v1/packets',
    '/v1/packets/',
    '/v1/directory/000.00.14.H01',
    '/v1/directory/H01.14/qlvb',
    '/v1/things/S%E1%BB%9F%20N%E1%BB%99i',
    '/v1/things/a+b,c=d@e:f~g',
  ])('takes %s', (path) => expect(isPlain(path)).toBe(true));

  it.each([
    '/v1/../v1/things/1',
    '/v1/things/.',
    '/v1/%2e%2e/v1/things/1',
    '/v1/%2E%2E/things/1',
    '/v1%2fthings/1',
    '/v1/things%2F1',
    '//v1/things/1',
    '/v1//things/1',
    '/v1/things/1//',
    '/v1/things;a=b/1',
    '/v1/things/1;x',
    '/v1/things/1%3Bx',
    '/v1/things/1.',
    '/v1/things./1',
    '/v1\\things/1',
    '/v1/things%5C1',
    '/v1/things/1%00',
    '/v1/things/1%0d%0aX: y',
    '/v1/%74hings/1',
    '/v1/things/%252e',
    '/v1/things/%C3%28',
    '/v1/things/%e1%bb%9f',
    '/v1/things/%',
    '/v1/things/%zz',
    '/v1/things/<script>',
    'http://elsewhere/v1/things/1',
    '*',
  ])('refuses %s', (path) => expect(isPlain(path)).toBe(false));

  describe('in front of the routes', () => {
    let running: Started;
    beforeAll(async () => {
      running = await startApp([ThingsController]);
    });
    afterAll(() => running.close());

    /** The bytes as they are: every client library tidies a path up. */
    function raw(text: string): Promise<string> {
      const { hostname, port } = new URL(running.url);
      return new Promise((resolve, reject) => {
        const socket: Socket = connect(Number(port), hostname, () => socket.write(text));
        let answer = '';
        socket.setEncoding('utf8').on('data', (chunk) => (answer += chunk));
        socket.on('end', () => resolve(answer)).on('error', reject);
      });
    }
    const get = async (target: string) => {
      const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      return { status: Number(answer.slice(9, 12)), answer };
    };

    it('answers 400 and says what is wrong, before the router reads the path', async () => {
      for (const target of ['/v1/x/../things/1', '/v1/things/%2e', '//v1/things/1', '/v1/things/1;a'])
        expect(await get(target)).toEqual({ status: 400, answer: expect.stringContaining('malformed_request') });
    });

    it('knows a path in one letter case and with one ending only', async () => {
      expect((await get('/v1/things/1')).status).toBe(200);
      for (const target of ['/V1/things/1', '/v1/Things/1', '/v1/things/1/'])
        expect({ target, ...(await get(target)) }).toMatchObject({ target, status: 404 });
    });

    it.each([
      ['a folded header line', 'GET /v1/things/1 HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n 2\r\n\r\n'],
      ['a header named @method', 'GET /v1/things/1 HTTP/1.1\r\nHost: x\r\n@method: POST\r\n\r\n'],
      ['a bare carriage return in a value', 'GET /v1/things/1 HTTP/1.1\r\nHost: x\r\nX-A: 1\rX-B: 2\r\n\r\n'],
      ['a space before the colon', 'GET /v1/things/1 HTTP/1.1\r\nHost: x\r\nX-A : 1\r\n\r\n'],
      ['two lengths', 'POST /v1/things/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
      [
        'a length beside chunks',
        'POST /v1/things/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ],
    ])('has a parser that refuses %s', async (_what, text) => {
      expect(await raw(text)).toMatch(/^HTTP\/1\.1 400 /);
    });
  });
});
