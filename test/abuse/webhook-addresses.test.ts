import { createServer, type Server, type Socket } from 'node:net';
import type { LookupAddress } from 'node:dns';
import { networksOf } from '../../apps/notifier/src/calling/networks';
import { type ResolveName, WebhookRequests } from '../../apps/notifier/src/calling/webhook-requests';
import { type Party, type Platform, startStandalone } from '../support/platform';
import { WebhookReceiver } from '../support/webhook-receiver';

jest.setTimeout(120_000);

/** What must never be reached: listens on every address of this machine, and counts connections, not requests. */
class Canary {
  seen = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((socket) => {
    this.seen += 1;
    this.sockets.add(socket);
    socket.end('HTTP/1.1 204 No Content\r\n\r\n');
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, resolve));
    return this;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** `:P` is the canary's port. */
const FORMS = [
  'http://127.0.0.1:P/',
  'https://127.0.0.1:P/',
  'http://127.1:P/',
  'http://127.0.1:P/',
  'http://2130706433:P/',
  'http://0x7f000001:P/',
  'http://0x7f.0.0.1:P/',
  'http://0X7F.1:P/',
  'http://0177.0.0.1:P/',
  'http://017700000001:P/',
  'http://127.0.0.1.:P/',
  'http://127.0.0.2:P/',
  'http://127.255.255.254:P/',
  'http://0:P/',
  'http://0x0:P/',
  'http://0.0.0.0:P/',
  'http://localhost:P/',
  'https://localhost:P/',
  'http://LOCALHOST:P/',
  'http://localhost.:P/',
  'http://webhook.localhost:P/',
  'http://[::1]:P/',
  'https://[::1]:P/',
  'http://[0:0:0:0:0:0:0:1]:P/',
  'http://[::]:P/',
  'http://[::ffff:127.0.0.1]:P/',
  'http://[::ffff:7f00:1]:P/',
  'http://[0:0:0:0:0:ffff:127.0.0.1]:P/',
  'http://[::ffff:0:127.0.0.1]:P/',
  'http://[::127.0.0.1]:P/',
  'http://[64:ff9b::7f00:1]:P/',
  'http://[2002:7f00:1::]:P/',
  'http://[2001::7f00:1]:P/',
  'http://[fe80::1]:P/',
  'http://[fec0::1]:P/',
  'http://[fd00:ec2::254]/latest/meta-data/',
  'http://[ff02::1]:P/',
  'http://１２７.０.０.１:P/',
  'http://①②⑦.⓪.⓪.①:P/',
  'http://127。0。0。1:P/',
  'http://127%2e0%2e0%2e1:P/',
  'http://user:password@127.0.0.1:P/',
  'http://qlvb.example.vn@127.0.0.1:P/',
  'http://127.0.0.1:P/#x',
  'http:127.0.0.1:P/',
  'http:\\\\127.0.0.1:P\\',
  '\thttp://127.0.0.1:P/',
  'http://127.0.\t0.1:P/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://192.168.0.1/',
  'http://100.64.0.1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://192.0.0.192/opc/v1/instance/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://198.18.0.1/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:P/_x',
  'ftp://127.0.0.1:P/',
  'data:text/plain,x',
  '//127.0.0.1:P/',
  'http://',
  '',
];

describe('Addresses that a system has the platform call (A32)', () => {
  const receivers: WebhookReceiver[] = [];
  let canary: Canary;
  let platform: Platform;
  let party: Party;

  beforeAll(async () => {
    canary = await new Canary().start();
    // Even http is allowed: what protects is the network alone.
    platform = await startStandalone({ WEBHOOK_ALLOW_HTTP: 'true', RATE_LIMIT_PER_KEY_PER_MINUTE: '0' });
    party = await platform.makeParty();
  });
  afterAll(async () => {
    await platform?.stop();
    await Promise.all(receivers.map((receiver) => receiver.stop()));
    await canary.stop();
  });

  it.each(FORMS)('A32: %s is refused, and nothing is connected to', async (form) => {
    const url = form.replace(':P', `:${canary.port}`);
    const answer = await platform.fetch('/v1/webhook', { method: 'PUT', body: { url }, key: party.key });
    expect(answer).toMatchObject({ status: 422, json: { code: 'webhook_address_refused' } });
    expect(answer.text).not.toContain('127.0.0.1');
    expect(canary.seen).toBe(0);
  });

  it('A32: by default a webhook is https, and nothing else', () => {
    const requests = new WebhookRequests({ allowHttp: false, networks: networksOf([]) });
    expect(requests.addressOf('https://qlvb.example.vn/lienthong')).toBe('https://qlvb.example.vn/lienthong');
    expect(requests.addressOf('http://qlvb.example.vn/lienthong')).toBeUndefined();
  });

  const named = (resolve: ResolveName) =>
    new WebhookRequests({ allowHttp: true, networks: networksOf(['127.0.0.2/32']) }, resolve);
  const v4 = (address: string): LookupAddress => ({ address, family: 4 });
  const post = (requests: WebhookRequests, port: number) => requests.post(`http://qlvb.example.vn:${port}/`, {}, '{}');

  it('A32: a name that leads elsewhere the second time is refused then, and is asked for once per call', async () => {
    const answers = [[v4('127.0.0.2')], [v4('127.0.0.1')]];
    let asked = 0;
    const requests = named(async () => answers[asked++]);
    expect(await post(requests, canary.port)).toEqual({ ok: true });
    const before = canary.seen;
    expect(before).toBe(1);
    expect(await post(requests, canary.port)).toMatchObject({ ok: false, error: 'address_refused' });
    expect({ asked, seen: canary.seen }).toEqual({ asked: 2, seen: before });
    canary.seen = 0;
    requests.close();
  });

  it.each([
    ['an allowed and a forbidden address', [v4('127.0.0.2'), v4('127.0.0.1')]],
    ['a forbidden and an allowed address', [v4('127.0.0.1'), v4('127.0.0.2')]],
    ['a loopback address in IPv6 form', [{ address: '::ffff:127.0.0.1', family: 6 }]],
    ['an address of the cloud’s metadata', [v4('169.254.169.254')]],
  ])('A32: a name with %s is refused', async (_what, addresses) => {
    const requests = named(async () => addresses);
    expect(await post(requests, canary.port)).toMatchObject({ ok: false, error: 'address_refused' });
    expect(canary.seen).toBe(0);
    requests.close();
  });

  it.each([301, 302, 303, 307, 308])('A32: a redirect (%i) is not followed', async (status) => {
    const receiver = await WebhookReceiver.start();
    receivers.push(receiver);
    receiver.answer = () => ({ status, headers: { location: `http://127.0.0.1:${canary.port}/` } });
    const requests = new WebhookRequests({ allowHttp: true, networks: networksOf(['127.0.0.1']) });
    expect(await requests.post(receiver.url, {}, '{"type":"x"}')).toMatchObject({ ok: false, error: `http_${status}` });
    expect({ calls: receiver.calls.length, canary: canary.seen }).toEqual({ calls: 1, canary: 0 });
    requests.close();
  });

  it('A32: an answer that does not end, or is endless, holds nothing', async () => {
    const endless = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      const pour = () => {
        while (!socket.destroyed && socket.write(`10000\r\n${'x'.repeat(65_536)}\r\n`));
      };
      socket.on('drain', pour);
      pour();
    });
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
    const { port } = endless.address() as { port: number };
    const closed = new Promise<void>((resolve) =>
      endless.on('connection', (socket: Socket) => socket.on('close', () => resolve())),
    );
    const requests = new WebhookRequests({ allowHttp: true, networks: networksOf(['127.0.0.1']) });
    expect(await requests.post(`http://127.0.0.1:${port}/`, {}, '{}')).toEqual({ ok: true });
    await closed;
    await new Promise((resolve) => endless.close(resolve));
    requests.close();
  });
});
