import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LienThongClient } from '@lienthong/client';
import { type IncomingRequest, lienthongGuard, lienthongMiddleware, type Source } from '@lienthong/client/protect';
import type { IssuedKey } from '@lienthong/contracts';
import { Body, Controller, Get, HttpCode, type INestApplication, Module, Post, Req, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express from 'express';
import { runInProcess } from '../../libs/client/src/testing/run-in-process';
import { eventually } from '../support/eventually';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(120_000);

interface Answer {
  status: number;
  headers: Headers;
  json: { caller?: Source; received?: unknown; code?: string; message?: string };
}

describe('The own service of a destination, protected by the client library', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;
  let client: LienThongClient;
  let caller: Source;
  const refused: string[] = [];

  beforeAll(async () => {
    platform = await startPlatform();
    destination = await platform.makeParty();
    source = await platform.makeParty({ grantsTo: [destination.systemId] });
    ({ client } = destination);
    caller = { systemId: source.systemId, agencyCode: source.agencyCode, name: 'Hệ thống qlvb' };
  });
  afterAll(() => platform?.stop());

  const ask = async (url: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> => {
    const method = body === undefined ? 'GET' : 'POST';
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await fetch(url, { method, headers: { ...type, ...headers }, body });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, json: (text ? JSON.parse(text) : {}) as Answer['json'] };
  };
  const signed = (url: string, body?: string) =>
    source.client.access.to(destination.systemId).headers({ method: body === undefined ? 'GET' : 'POST', url, body });
  const call = async (url: string, body?: string) => ask(url, await signed(url, body), body);
  const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

  /** What must hold wherever the library stands. */
  const suite = (service: () => string) => {
    it('check-access: lets in who is granted, with query and body, and says who it is', async () => {
      const url = `${service()}/ho-so?trang=2&loc=%E1%BB%9F`;
      expect(await call(url)).toMatchObject({ status: 200, json: { caller } });
      const body = JSON.stringify({ hoSo: 17, ten: 'Nguyễn Văn A' });
      expect(await call(`${service()}/ho-so`, body)).toMatchObject({
        status: 200,
        json: { caller, received: JSON.parse(body) as object },
      });
    });

    it('check-access: keeps out who shows nothing, a replay, another body, another target, and who has no grant', async () => {
      const url = `${service()}/ho-so`;
      expect(await ask(url)).toMatchObject({ status: 401 });
      expect(await ask(url, { authorization: 'Bearer a.b.c' })).toMatchObject({ status: 401 });
      const headers = await signed(url);
      expect((await ask(`${url}?more`, headers)).status).toBe(401);
      expect((await ask(url, headers)).status).toBe(200);
      expect((await ask(url, headers)).status).toBe(401);
      expect((await ask(url, { authorization: headers.authorization })).status).toBe(401);
      const posted = await signed(url, JSON.stringify({ amount: 1 }));
      expect((await ask(url, posted, JSON.stringify({ amount: 2 }))).status).toBe(401);
      const stranger = await platform.makeParty({ grantsTo: [] });
      await expect(stranger.client.access.to(destination.systemId).grant()).rejects.toMatchObject({
        code: 'access_denied',
        problem: { reason: 'not_granted' },
      });
    });

    it('check-access: a grant that is taken back holds there within 10 s', async () => {
      const from = await platform.makeParty({ grantsTo: [] });
      const { grants } = platform.admin.admin;
      const { grantId } = await grants.create({ from: from.systemId, to: destination.systemId, dataTypes: ['file'] });
      const access = from.client.access.to(destination.systemId);
      const url = `${service()}/ho-so`;
      const one = async () => (await ask(url, await access.headers({ method: 'GET', url }))).status;
      expect(await one()).toBe(200);
      await grants.remove(grantId);
      await eventually(async () => (await one()) === 401, { within: 10_000, every: 250 });
    });
  };

  describe('in Nest, by its guard', () => {
    let app: INestApplication;
    let url: string;

    beforeAll(async () => {
      const guard = lienthongGuard({ client, allow: (_, request) => !request.url?.startsWith('/kin') });

      @Controller()
      class HoSoController {
        @Get('ho-so')
        @UseGuards(guard)
        read(@Req() { source: who }: IncomingRequest) {
          return { caller: who };
        }

        @Post('ho-so')
        @HttpCode(200)
        @UseGuards(guard)
        write(@Req() { source: who }: IncomingRequest, @Body() received: object) {
          return { caller: who, received };
        }

        @Get('kin')
        @UseGuards(guard)
        closed() {
          return {};
        }

        @Get('mo')
        open() {
          return { caller: null };
        }
      }
      @Module({ controllers: [HoSoController] })
      // oxlint-disable-next-line typescript/no-extraneous-class -- the shape that Nest gives to a module
      class ServiceModule {}

      app = await NestFactory.create(ServiceModule, { rawBody: true, logger: false });
      await app.listen(0, '127.0.0.1');
      url = `http://127.0.0.1:${portOf(app.getHttpServer() as Server)}`;
    });
    afterAll(() => app?.close());

    suite(() => url);

    it('check-access: answers with the status of the refusal, and leaves other routes open', async () => {
      expect((await ask(`${url}/mo`)).status).toBe(200);
      expect(await call(`${url}/kin`)).toMatchObject({
        status: 403,
        json: { message: 'Access refused: access_denied' },
      });
    });
  });

  describe('under Express, by its middleware', () => {
    let server: Server;
    let url: string;

    beforeAll(async () => {
      const service = express();
      service.use('/kin', lienthongMiddleware({ client, allow: async ({ agencyCode }) => agencyCode === 'H99' }));
      service.use(
        '/api',
        lienthongMiddleware({ client, maxBodyBytes: 2000 }),
        express.json(),
        (req: express.Request & IncomingRequest, res: express.Response) =>
          void res.json({ caller: req.source, received: (req.body as unknown) ?? null }),
      );
      service.use((error: Error & { statusCode?: number }, _req: unknown, res: express.Response, _next: unknown) => {
        refused.push(error.message);
        res.status(error.statusCode ?? 500).json({ message: error.message });
      });
      server = service.listen(0, '127.0.0.1');
      await once(server, 'listening');
      url = `http://127.0.0.1:${portOf(server)}`;
    });
    afterAll(() => server?.close());

    suite(() => `${url}/api`);

    it('check-access: answers with a problem document that says what is wrong, and how to ask', async () => {
      const none = await ask(`${url}/api/x`);
      expect(none).toMatchObject({ status: 401, json: { code: 'invalid_token' } });
      expect(none.headers.get('content-type')).toBe('application/problem+json');
      expect(none.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
      const headers = await signed(`${url}/api/x`);
      await ask(`${url}/api/x`, headers);
      expect((await ask(`${url}/api/x`, headers)).json.code).toBe('replayed_request');
      expect(await call(`${url}/kin`)).toMatchObject({ status: 403, json: { code: 'access_denied' } });
    });

    it('check-access: a body that is no JSON goes to the error handler, one that is too long is not read', async () => {
      expect((await call(`${url}/api/x`, '{"a":')).status).toBe(400);
      expect(refused).toEqual(['The body is not JSON.']);
      const long = JSON.stringify({ a: 'x'.repeat(3000) });
      expect(await call(`${url}/api/x`, long)).toMatchObject({ status: 413, json: { code: 'body_too_large' } });
    });

    it('check-access: where a parser stood before it and kept no bytes, nobody is let in', async () => {
      const wrong = express();
      wrong.use(express.json(), lienthongMiddleware({ client }), (_req, res) => void res.json({}));
      const listening = wrong.listen(0, '127.0.0.1');
      await once(listening, 'listening');
      const answer = await call(`http://127.0.0.1:${portOf(listening)}/x`, '{"a":1}');
      expect(answer).toMatchObject({ status: 500, json: { code: 'raw_body_missing' } });
      listening.close();
    });

    it('check-access: while the platform cannot be asked nobody is let in, and nobody is called a stranger', async () => {
      // A port that was free a moment ago: nobody answers there.
      const nobody = createServer().listen(0, '127.0.0.1');
      await once(nobody, 'listening');
      const baseUrl = `http://127.0.0.1:${portOf(nobody)}`;
      nobody.close();
      await once(nobody, 'close');
      const { accessKey, secretKey } = destination.issued;
      const away = new LienThongClient({ baseUrl, accessKey, secretKey, session: false, retry: { attempts: 1 } });
      const service = express().use(lienthongMiddleware({ client: away }), (_req, res) => void res.json({}));
      const listening = service.listen(0, '127.0.0.1');
      await once(listening, 'listening');
      const answer = await call(`http://127.0.0.1:${portOf(listening)}/x`);
      expect(answer).toMatchObject({ status: 503, json: { code: 'unavailable' } });
      listening.close();
      await away.close();
    });
  });

  describe('with the command line', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lienthong-access-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const keyFile = (name: string, key: object) => {
      const path = join(folder, `${name}.json`);
      writeFileSync(path, JSON.stringify({ baseUrl: platform.baseUrl, ...key }), { mode: 0o600 });
      return path;
    };
    const run = (file: string, ...words: string[]) => runInProcess(['--lang', 'en', '--key-file', file, ...words]);

    it('open-session: access prints a token that the destination is told is good, and a request that is let in', async () => {
      const file = keyFile('source', source.issued);
      const { code, out } = await run(file, '--json', 'access', destination.systemId);
      expect(code).toBe(0);
      const grant = JSON.parse(out) as { accessToken: string };
      expect(await client.access.check({ accessToken: grant.accessToken })).toMatchObject({
        active: true,
        source: caller,
      });

      const url = 'http://127.0.0.1:1/ho-so?trang=2';
      const request = JSON.parse((await run(file, '--json', 'access', destination.systemId, '--call', url)).out) as {
        accessToken: string;
        headers: Record<string, string>;
      };
      const { accessToken, headers } = request;
      const asked = { accessToken, request: { method: 'GET', path: '/ho-so', query: '?trang=2', headers } };
      expect(await client.access.check(asked)).toMatchObject({ active: true });
      expect(await client.access.check(asked)).toEqual({ active: false, code: 'replayed_request' });
    });

    it('open-session: access says that it is refused, and what is wrong with its use', async () => {
      const file = keyFile('source', source.issued);
      const denied = await run(file, 'access', `${destination.agencyCode}/khong-co`);
      expect(denied).toMatchObject({ code: 1, out: '' });
      expect(denied.err).toContain('[access_denied]');
      expect(await run(file, 'access', destination.systemId, '--call', '/ho-so')).toMatchObject({ code: 2, out: '' });
    });

    it('issue-token: token prints a token that opens the API, with a secret and with an RSA key, and shows neither', async () => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
      const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
      const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      const { keys } = platform.admin.admin;
      const withSecret = await keys.issue(source.systemId, { algorithms: ['hmac-sha256'], bearer: true });
      const withRsa: [IssuedKey, object][] = [];
      for (const algorithm of ['rsa-pss-sha512', 'rsa-v1_5-sha256'] as const) {
        const issued = await keys.issue(source.systemId, { algorithms: [algorithm], publicKeyPem, bearer: true });
        withRsa.push([issued, { accessKey: issued.accessKey, privateKeyPem, algorithm }]);
      }
      for (const [{ accessKey }, key] of [[withSecret, withSecret] as const, ...withRsa]) {
        const { code, out, err } = await run(keyFile(accessKey, key), 'token', '--scope', 'file');
        expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/) });
        expect(err).toMatch(/^For file, until /);
        expect(out + err).not.toContain(withSecret.secretKey);
        expect(out + err).not.toContain('PRIVATE');
        const sent = await platform.fetch('/v1/packets', {
          method: 'POST',
          headers: { authorization: `Bearer ${out.trim()}` },
          body: {},
        });
        // Known, and let in as far as the reading of the body: there is no data type in it.
        expect(sent).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } });
      }
    });

    it('issue-token: token says in words what to do where it is refused', async () => {
      const plain = keyFile('plain', source.issued);
      const unmarked = await run(plain, 'token');
      expect(unmarked).toMatchObject({ code: 1, out: '' });
      expect(unmarked.err).toMatch(/--bearer\. \[unauthorized_client\]/);
      const wrong = keyFile('wrong', { ...source.issued, secretKey: 'wrong-wrong-wrong' });
      const unknown = await run(wrong, 'token');
      expect(unknown.err).toMatch(/key file\. \[invalid_client\]/);
      expect(unknown.err).not.toContain('wrong-wrong-wrong');
      const vietnamese = await runInProcess(['--lang', 'vi', '--key-file', plain, 'token', '--scope', 'file']);
      expect(vietnamese.err).toContain('Đề nghị quản trị viên');
    });
  });

  it('check-access: a service is not held by who sends its body slowly and stays', async () => {
    const service = express().use(lienthongMiddleware({ client, maxBodyMs: 200 }), (_req, res) => void res.json({}));
    const listening = service.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const headers = await signed(`http://127.0.0.1:${portOf(listening)}/x`, '{"a":1}');
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = connect(portOf(listening), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.write(`POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n${lines.join('')}\r\n{`);
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"request_timeout"');
    listening.close();
  });

  it('check-access: a service is not held by who sends its body slowly and goes away', async () => {
    const service = express().use(lienthongMiddleware({ client }), (_req, res) => void res.json({}));
    const listening = service.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const body = JSON.stringify({ a: 1 });
    const headers = await signed(`http://127.0.0.1:${portOf(listening)}/x`, body);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = connect(portOf(listening), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${lines.join('')}\r\n{`);
    socket.destroy();
    // Half a body was not taken for a whole one: the same request, whole, is still good.
    await eventually(async () => new Promise((resolve) => listening.getConnections((_, n) => resolve(n === 0))));
    const whole = await ask(`http://127.0.0.1:${portOf(listening)}/x`, headers, body);
    expect(whole.status).toBe(200);
    listening.close();
  });
});
