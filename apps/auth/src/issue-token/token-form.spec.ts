import { problemHandler } from '@lienthong/runtime';
import express from 'express';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tokenFormWithin } from './token-form';

describe('the form of the token endpoint', () => {
  let server: Server;
  let port: number;

  beforeAll(async () => {
    const app = express();
    app.use(tokenFormWithin(50));
    app.use((req, res) => {
      res.json(req.body instanceof URLSearchParams ? Object.fromEntries(req.body) : { unread: true });
    });
    app.use(problemHandler({ error: () => undefined, warn: () => undefined } as never));
    server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(() => server.close());

  const post = async (path: string, body: string, type = 'application/x-www-form-urlencoded; charset=UTF-8') => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': type },
    });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  };
  /** Sends this and nothing more. @returns the answer, once the server has ended the connection */
  const trickle = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk) => (answer += String(chunk)));
      socket.once('close', () => resolve(answer));
      socket.once('error', reject);
    });
  const HEAD = 'POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n';

  it('is read on that route alone, and only when it is a form', async () => {
    expect((await post('/oauth2/token', 'grant_type=client_credentials&scope=a+b')).json).toEqual({
      grant_type: 'client_credentials',
      scope: 'a b',
    });
    expect((await post('/v1/packets', 'a=b')).json).toEqual({ unread: true });
    expect((await post('/oauth2/token', '{}', 'application/json')).json).toEqual({ unread: true });
    expect((await post('/oauth2/token', '', 'application/x-www-form-urlencodedx')).json).toEqual({ unread: true });
  });

  it('that trickles is answered 408 after its time, and the connection ended', async () => {
    const answer = await trickle(`${HEAD}Content-Length: 100\r\n\r\ngrant_type=`);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toMatch(/\r\nConnection: close\r\n/i);
    expect(answer).toContain('request_timeout');
  });

  it('that is longer than 16 KiB is refused, and one announced as endless not read at all', async () => {
    expect(await post('/oauth2/token', `scope=${'x'.repeat(16_384)}`)).toMatchObject({
      status: 413,
      json: { code: 'body_too_large', limit: 16_384 },
    });
    const answer = await trickle(`${HEAD}Content-Length: 1000000000\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });
});
