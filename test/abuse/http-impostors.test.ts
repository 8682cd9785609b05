import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Problem } from '@lienthong/contracts';
import { signRequest, type SigningKey } from '@lienthong/signing';
import { inlineRequest } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';
import { rawRequest, sendRaw } from '../support/raw-http';

jest.setTimeout(120_000);

const TARGET = '/v1/packets';
/** Of the impostor: what is under way at one address may hold up that address. */
const ELSEWHERE = '127.0.0.38';
/** Where nothing hangs. */
const OTHERS = '127.0.0.39';

describe('Impostors: who knows the access key of a system, which is no secret, and sends from its own address', () => {
  let platform: Platform;
  let real: Party;
  let destination: Party;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    platform = await startPlatform();
    [real, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  afterAll(() => platform?.stop());

  const packet = () => JSON.stringify(inlineRequest(destination));
  const signed = (key: SigningKey, body = packet()) => signRequest({ method: 'POST', target: TARGET, body }, key);
  const forged = (): SigningKey => ({ ...real.key, secret: 'another secret that is long enough to be one' });

  /** From elsewhere: a request of which the platform has the headers, and whose body does not come. */
  async function hanging(headers: Record<string, string>): Promise<{ answered: Promise<string> }> {
    const { hostname, port } = new URL(platform.baseUrl);
    const lines = Object.entries({
      Host: 'x',
      'Content-Type': 'application/json',
      'Content-Length': '10000',
      Expect: '100-continue',
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = connect({ port: Number(port), host: hostname, localAddress: ELSEWHERE }, () =>
      socket.write(`POST ${TARGET} HTTP/1.1\r\n${lines.join('')}\r\n`),
    );
    sockets.push(socket);
    socket.on('error', () => undefined);
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(String(first)).toMatch(/^HTTP\/1\.1 100 /);
    socket.write('{');
    return { answered: once(socket, 'data').then(([answer]) => String(answer)) };
  }

  /** What the system itself does meanwhile: eight requests at once. */
  const work = () =>
    Promise.all([
      ...Array.from({ length: 4 }, () => platform.fetch(TARGET, { method: 'POST', body: packet(), key: real.key })),
      ...Array.from({ length: 4 }, () => platform.fetch('/v1/deliveries?limit=1', { key: real.key })),
    ]).then((answers) => answers.map(({ status, json }) => (status < 300 ? status : json.detail)));
  const DONE = [201, 201, 201, 201, 200, 200, 200, 200];

  it.each([
    ['that are signed with another secret', () => signed(forged())],
    ['that are not signed', () => ({})],
  ])('A38 answers the system itself while twenty requests hang in its name %s', async (_what, headers) => {
    const slow = await Promise.all(Array.from({ length: 20 }, () => hanging(headers())));
    const first = await Promise.race([work(), ...slow.map(({ answered }) => answered)]);
    expect(first).toEqual(DONE);
  });

  it('A38 answers the system itself while a request of its own, which others may know from a receipt, is sent again twenty times and hangs', async () => {
    const body = packet();
    const headers = signed(real.key, body);
    const { status } = await platform.fetch(TARGET, { method: 'POST', body, headers });
    expect(status).toBe(201);
    const slow = await Promise.all(Array.from({ length: 20 }, () => hanging(headers)));
    const first = await Promise.race([work(), ...slow.map(({ answered }) => answered)]);
    expect(first).toEqual(DONE);
  });

  it('A38 answers the system itself while three hundred hang: of an address the slowest are told to come back, at once', async () => {
    const slow = await Promise.all(Array.from({ length: 300 }, (_, n) => hanging(n % 15 ? {} : signed(forged()))));
    expect(await work()).toEqual(DONE);
    const told = await Promise.race(slow.map(({ answered }) => answered));
    expect(told).toMatch(/^HTTP\/1\.1 503 /);
    expect(told).toMatch(/\r\nretry-after: \d+\r\n/i);
  });

  it('A38 refuses a hundred wrong signatures at once as what they are, or has them come back, and none of the system’s own requests for them', async () => {
    const wrong = Promise.all(
      Array.from({ length: 100 }, () => {
        const body = packet();
        const lines = Object.entries(signed(forged(), body)).map(([name, value]) => `${name}: ${value}`);
        const headers = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, ...lines];
        return sendRaw(platform.baseUrl, Buffer.from(rawRequest(`POST ${TARGET}`, headers, body)), OTHERS);
      }),
    );
    expect(await work()).toEqual(DONE);
    const answers = (await wrong).flat().map(({ body }) => JSON.parse(body) as Problem);
    expect(answers).toHaveLength(100);
    const refused = answers.filter(({ code }) => code === 'signature_invalid');
    expect(refused.length).toBeGreaterThan(0);
    // Of one address and key no more than 36 are looked at at a time; the gateway lets 24 through.
    const told = answers.filter((answer) => !refused.includes(answer) && answer.code !== 'overloaded');
    expect(told).toEqual([]);
  });
});
