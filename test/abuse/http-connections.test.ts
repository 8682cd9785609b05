import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onEmbedded, type Platform, startPlatform } from '../support/platform';
import { sendRaw } from '../support/raw-http';
import { itWhen } from '../support/when';

jest.setTimeout(180_000);

const atGateway = itWhen(!onEmbedded, 'the embedded default has no gateway');
/** Requests for a space, of one key at one address at a time: deploy/gateway. */
const SPACES_AT_ONCE = 24;
/** Two addresses that no other file asks from: their slow bodies would make these give way (`bodies`). */
const [OWN, ELSEWHERE] = ['127.0.0.40', '127.0.0.41'];

/** The gateway of the real stack has limits of its own beside those of the apps. */
const HEADER_SECONDS = onEmbedded ? 15 : 20;
/** On the stack other files open hundreds of slow bodies from the same address meanwhile: the longest of them give way (`bodies`). */
const ENDED = onEmbedded ? /^HTTP\/1\.1 (408|404)/ : /^HTTP\/1\.1 (408|404|503[^]*\(bodies\))/;

describe('Abuse of connections', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(() => platform?.stop());

  /** Opens a connection and says `text`, then a byte of `drops` every second. @returns seconds until the platform closed it, and what it said */
  function trickle(text: string, drops = ''): Promise<{ seconds: number; said: string }> {
    const { hostname, port } = new URL(platform.baseUrl);
    return new Promise((resolve) => {
      const began = performance.now();
      let said = '';
      let at = 0;
      const socket: Socket = connect(Number(port), hostname, () => socket.write(text || '\r\n'));
      const timer = setInterval(() => drops && socket.writable && socket.write(drops[at++ % drops.length]), 1000);
      socket.on('data', (chunk) => (said += String(chunk)));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(timer);
        resolve({ seconds: (performance.now() - began) / 1000, said });
      });
    });
  }

  it('A38 ends a thousand connections that say nothing or trickle their headers, within seconds, and serves others meanwhile', async () => {
    const HEAD = 'GET /v1/limits HTTP/1.1\r\nHost: x\r\n';
    const idle = Array.from({ length: 500 }, () => trickle(''));
    const slow = Array.from({ length: 500 }, () => trickle(HEAD, 'X-a: b\r\n'));
    const flood = Promise.all([...idle, ...slow]);
    const times: number[] = [];
    const pause = () => new Promise<'again'>((resolve) => setTimeout(resolve, 100, 'again'));
    while ((await Promise.race([flood, pause()])) === 'again') {
      const started = performance.now();
      expect((await platform.fetch('/v1/limits')).status).toBe(200);
      times.push(performance.now() - started);
    }
    const seconds = (await flood).map((one) => one.seconds);
    const worst = Math.max(...times);
    process.stdout.write(
      `A38: 1000 connections closed after ${Math.min(...seconds).toFixed(1)} to ${Math.max(...seconds).toFixed(1)} s; ${times.length} requests meanwhile, the slowest ${worst.toFixed(0)} ms\n`,
    );
    expect(Math.max(...seconds)).toBeLessThan(HEADER_SECONDS);
    expect(worst).toBeLessThan(5000);
  });

  it('A38 waits half a minute at most for a body that trickles, on every kind of route', async () => {
    const post = (path: string, type: string) =>
      trickle(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 10000\r\n\r\n`, 'a');
    const answers = await Promise.all([
      post('/v1/signature-checks', 'application/json'),
      post('/v1/packets', 'application/json'),
      post('/v1/nothing-here', 'application/json'),
      post('/oauth2/token', 'application/x-www-form-urlencoded'),
    ]);
    for (const { seconds, said } of answers) {
      expect(seconds).toBeLessThan(40);
      expect(said).toMatch(ENDED);
    }
  });

  atGateway(
    `A38 refuses at the gateway what one key asks for from one address beyond ${SPACES_AT_ONCE} spaces at a time, and nothing else`,
    async () => {
      const { hostname, port } = new URL(platform.baseUrl);
      const headOf = (key: string) =>
        `POST /v1/packets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\nSignature-Input: sig=("@method");created=1;keyid="${key}"\r\n`;
      const ask = async (key: string, localAddress = OWN) =>
        (await sendRaw(platform.baseUrl, `${headOf(key)}Connection: close\r\n\r\n0123456789`, localAddress))[0];
      const held = Array.from({ length: SPACES_AT_ONCE }, () => {
        const socket = connect({ port: Number(port), host: hostname, localAddress: OWN }, () =>
          socket.write(`${headOf('GATEWAY-A38')}Expect: 100-continue\r\n\r\n`),
        );
        return socket.on('error', () => undefined);
      });
      try {
        // Each is counted before the one too many comes: the gateway's processes take connections in no order.
        for (const [first] of await Promise.all(held.map((socket) => once(socket, 'data'))))
          expect(String(first)).toMatch(/^HTTP\/1\.1 100 /);
        for (const socket of held) socket.write('0');
        const refused = await ask('GATEWAY-A38');
        expect(refused.status).toBe(503);
        const after = Number(/^retry-after: (\d+)\r?$/im.exec(refused.headers)?.[1]);
        expect([2, 4, 6, 8, 10]).toContain(after);
        expect(refused.headers).toMatch(/^content-type: application\/problem\+json/im);
        expect(JSON.parse(refused.body)).toMatchObject({ status: 503, code: 'overloaded', retryAfter: after });
        // Answered by an app, which finds the body wrong.
        expect((await ask('GATEWAY-A38-OTHER')).status).toBe(400);
        expect((await ask('GATEWAY-A38', ELSEWHERE)).status).toBe(400);
        expect((await platform.fetch('/v1/limits')).status).toBe(200);
      } finally {
        for (const socket of held) socket.destroy();
      }
    },
  );

  it.each([
    ['a header of 20,000 characters', `X-Long: ${'a'.repeat(20_000)}\r\n`],
    ['400 headers of 100 characters', Array.from({ length: 400 }, (_, n) => `X-${n}: ${'a'.repeat(95)}\r\n`).join('')],
    ['2,500 headers, of which Node would drop 500', 'a:\r\n'.repeat(2500)],
    ['150 short headers', Array.from({ length: 150 }, (_, n) => `X-${n}: 1\r\n`).join('')],
  ])('A38 refuses %s', async (_what, headers) => {
    const answers = await sendRaw(
      platform.baseUrl,
      `GET /v1/limits HTTP/1.1\r\nHost: x\r\n${headers}Connection: close\r\n\r\n`,
    );
    expect(answers.map(({ status }) => [400, 431].includes(status))).toEqual([true]);
  });

  it('A38 refuses a target of 20,000 characters', async () => {
    for (const target of [`/v1/${'a'.repeat(20_000)}`, `/v1/packets?q=${'a'.repeat(20_000)}`]) {
      const answers = await sendRaw(platform.baseUrl, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(answers.map(({ status }) => [400, 414, 431].includes(status))).toEqual([true]);
    }
  });
});
