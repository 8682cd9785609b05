import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { signRequest } from '@lienthong/signing';
import { eventually } from '../support/eventually';
import { sendInline } from '../support/exchange';
import { onEmbedded, type Party, type Platform, startPlatform, startStandalone } from '../support/platform';
import { RawStream } from '../support/raw-stream';
import { itWhen } from '../support/when';

jest.setTimeout(180_000);

const MIB = 1024 * 1024;

describe('Abuse of event streams', () => {
  let platform: Platform;
  let party: Party;
  let address: string;

  beforeAll(async () => {
    platform = await startPlatform();
    party = await platform.makeParty();
    address = `${platform.baseUrl.replace(/^http/, 'ws')}/v1/stream`;
  });
  afterAll(() => platform?.stop());

  const signed = (target = '/v1/stream') => ({ ...signRequest({ method: 'GET', target }, party.key) });
  const opened = async (url: string, headers: Record<string, string> = {}) => {
    const stream = await RawStream.at(url, headers);
    await stream.close();
    return stream.refused ?? 101;
  };
  const ticket = async (): Promise<string> => (await party.client.events.ticket()).url;

  describe('A33', () => {
    const own = () => new URL(platform.baseUrl).origin;

    it.each([
      ['a foreign page', () => 'https://evil.example'],
      ['a page without an origin (null)', () => 'null'],
      ['an origin that begins as the platform’s', () => `${own()}.evil.example`],
      ['an origin that begins as the platform’s and goes on as a user', () => `${own()}@evil.example`],
      ['an origin that ends as the platform’s', () => `https://evil-${new URL(own()).host}`],
      ['the platform’s origin on another port', () => own().replace(/:\d+$/, ':1')],
      ['the platform’s origin by another protocol', () => own().replace(/^http:/, 'https:')],
      ['the platform’s origin with a path', () => `${own()}/`],
      ['two origins, one of them the platform’s', () => `${own()}, https://evil.example`],
      ['an empty origin', () => ''],
    ])('refuses a stream to %s, with a ticket and signed', async (_what, origin) => {
      expect(await opened(await ticket(), { origin: origin() })).toBe(403);
      expect(await opened(address, { ...signed(), origin: origin() })).toBe(403);
    });

    it('opens one for a page of the platform itself, and for programs, which send no Origin', async () => {
      expect(await opened(await ticket(), { origin: own() })).toBe(101);
      expect(await opened(await ticket())).toBe(101);
      expect(await opened(address, signed())).toBe(101);
    });

    it('does not use up the ticket of a page that is refused', async () => {
      const url = await ticket();
      expect(await opened(url, { origin: 'https://evil.example' })).toBe(403);
      expect(await opened(url)).toBe(101);
    });

    itWhen(onEmbedded, 'a setting of a platform of its own, which is the same code')(
      'opens one for pages of the origins that STREAM_ORIGINS names, and of no other',
      async () => {
        const other = await startStandalone({
          STREAM_ORIGINS: 'https://portal.example.vn, https://mc.example.vn:8443',
        });
        try {
          const { client } = await other.makeParty();
          const from = async (origin: string) => opened((await client.events.ticket()).url, { origin });
          expect(await from('https://portal.example.vn')).toBe(101);
          expect(await from('https://mc.example.vn:8443')).toBe(101);
          for (const origin of ['https://mc.example.vn', 'http://portal.example.vn', 'https://x.portal.example.vn'])
            expect({ origin, status: await from(origin) }).toEqual({ origin, status: 403 });
        } finally {
          await other.stop();
        }
      },
    );
  });

  it('A34 refuses at the upgrade a stream without a ticket or a signature, with a used, an expired, an invented or a second ticket', async () => {
    expect(await opened(address)).toBe(401);
    const used = await ticket();
    expect([await opened(used), await opened(used)]).toEqual([101, 403]);
    const twins = await Promise.all(Array.from({ length: 10 }, async () => opened(await ticket())));
    expect(twins.filter((status) => status === 101)).toHaveLength(10);
    const one = await ticket();
    const race = await Promise.all(Array.from({ length: 10 }, () => opened(one)));
    expect(race.toSorted()).toEqual([101, ...Array.from({ length: 9 }, () => 403)]);
    for (const invented of ['', 'x', 'x'.repeat(43), `${'x'.repeat(43)}'--`, 'x'.repeat(10_000)])
      expect(await opened(`${address}?ticket=${invented}`)).toBe(403);
    const [a, b] = [await ticket(), await ticket()];
    expect(await opened(`${a}&ticket=${new URL(b).searchParams.get('ticket')}`)).toBe(400);
    const late = await ticket();
    await platform.sql("UPDATE stream_tickets SET expires_at = now() - interval '1 second'");
    expect(await opened(late)).toBe(403);
  });

  it('A7 opens a stream under one spelling of its path only', async () => {
    for (const target of [
      '//v1/stream',
      '/x/../v1/stream',
      '/v1/./stream',
      '/v1/%73tream',
      '/v1/stream/',
      '/V1/stream',
      '/v1/stream;a',
    ])
      expect([target, [400, 404].includes(await upgraded(target))]).toEqual([target, true]);
    expect(await upgraded('/v1/stream?from=0&from=1')).toBe(400);
    expect(await upgraded('/v1/stream?khongCo=1')).toBe(400);
    expect(await upgraded('/v1/stream?from=0')).toBe(101);
  });

  // A gateway keeps connections to its clients by rules of its own, and reads what the platform does not.
  itWhen(onEmbedded, 'the gateway of the stack keeps its connections by rules of its own')(
    'A34 keeps no socket open that began an upgrade and says no more, and no upgrade that is refused',
    async () => {
      const { hostname, port } = new URL(platform.baseUrl);
      const socket = connect(Number(port), hostname);
      socket.write('GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n');
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.on('error', () => undefined).resume();
      const refused = await upgradeSocket('/v1/stream', {});
      await eventually(() => refused.socket.destroyed || refused.socket.readableEnded, { within: 5_000 });
      await closed;
    },
  );

  describe('A35', () => {
    it('has no word by which a client could ask for the events of another system', async () => {
      for (const query of ['systemId=H01.14/qlvb', 'topic=*', 'system=*'])
        expect(await upgraded(`/v1/stream?${query}`)).toBe(400);
      const stream = await RawStream.of(platform.baseUrl, party);
      stream.say({ type: 'subscribe', topic: 'packets.*' });
      expect(await stream.ending()).toMatchObject({ code: 4400 });
    });
  });

  describe('A37', () => {
    const FRAME = { text: 0x1, continuation: 0x0, ping: 0x9 };
    /** One frame as a client masks it (RFC 6455 5.2). */
    function frame(
      opcode: number,
      payload = Buffer.alloc(0),
      { fin = true, rsv1 = false, announced = payload.length } = {},
    ) {
      const mask = randomBytes(4);
      const head = Buffer.alloc(announced < 126 ? 2 : 10);
      head[0] = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
      head[1] = 0x80 | (announced < 126 ? announced : 127);
      if (announced >= 126) head.writeBigUInt64BE(BigInt(announced), 2);
      return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ mask[index % 4])]);
    }
    /** Writes until it is cut off. @returns bytes that were written */
    async function flood(socket: Socket, bytes: Buffer, limit: number): Promise<number> {
      let written = 0;
      const closed = new Promise((resolve) => socket.once('close', resolve));
      while (written < limit && !socket.destroyed && socket.writable) {
        written += bytes.length;
        if (!socket.write(bytes)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
      }
      await eventually(() => socket.destroyed, { within: 60_000 });
      return written;
    }
    const residentBytes = () => (platform.standalone ? platform.standalone.residentBytes() : 0);
    /** What the misbehaviour costs; on the real stack only that it ends. */
    async function costOf(misbehave: () => Promise<unknown>): Promise<number> {
      const before = residentBytes();
      await misbehave();
      return residentBytes() - before;
    }

    it.each([
      [
        'a message of which 100 MiB are announced',
        () => frame(FRAME.text, Buffer.alloc(1000), { announced: 100 * MIB }),
      ],
      ['a compressed frame, which nobody agreed upon', () => frame(FRAME.text, Buffer.from('bomb'), { rsv1: true })],
      ['a frame that is not masked', () => Buffer.from([0x81, 0x02, 0x7b, 0x7d])],
      ['a continuation of nothing', () => frame(FRAME.continuation, Buffer.from('x'))],
      ['a ping of more than 125 bytes', () => frame(FRAME.ping, Buffer.alloc(126))],
    ])('cuts off %s', async (_what, bytes) => {
      const { status, socket } = await upgradeSocket('/v1/stream', signed());
      expect(status).toBe(101);
      socket.write(bytes());
      await eventually(() => socket.destroyed || socket.readableEnded, { within: 35_000 });
      socket.destroy();
    });

    const FLOODS: [string, () => Buffer][] = [
      [
        'empty fragments',
        () =>
          Buffer.concat([
            frame(FRAME.text, Buffer.alloc(0), { fin: false }),
            ...Array.from({ length: 9999 }, () => frame(FRAME.continuation, Buffer.alloc(0), { fin: false })),
          ]),
      ],
      [
        'pings whose answers it does not read',
        () => Buffer.concat(Array.from({ length: 9999 }, () => frame(FRAME.ping, Buffer.alloc(125)))),
      ],
    ];
    for (const [what, bytes] of FLOODS)
      itWhen(onEmbedded, 'the gateway of the stack reads what the platform does not')(
        `cuts off a flood of ${what}, without growing by 64 MiB`,
        async () => {
          const { status, socket } = await upgradeSocket('/v1/stream', signed());
          expect(status).toBe(101);
          socket.pause();
          let written = 0;
          const cost = await costOf(async () => (written = await flood(socket, bytes(), 200 * MIB)));
          process.stdout.write(
            `A37: ${what}: cut off after ${(written / MIB).toFixed(1)} MiB written, resident +${(cost / MIB).toFixed(0)} MiB\n`,
          );
          expect(cost).toBeLessThan(64 * MIB);
          expect(written).toBeLessThan(200 * MIB);
          expect(await opened(address, signed())).toBe(101);
        },
      );
  });

  it('A36 keeps little for readers that do not read, and serves the others meanwhile', async () => {
    const lazy = await platform.makeParty();
    const before = platform.standalone?.residentBytes() ?? 0;
    const paused = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const { status, socket } = await upgradeSocket('/v1/stream', {
          ...signRequest({ method: 'GET', target: '/v1/stream' }, lazy.key),
        });
        expect(status).toBe(101);
        socket.pause();
        return socket;
      }),
    );
    const source = await platform.makeParty();
    for (let wave = 0; wave < 12; wave++) await Promise.all(Array.from({ length: 10 }, () => sendInline(source, lazy)));
    const reader = await RawStream.of(platform.baseUrl, lazy);
    await eventually(() => reader.events.length === 100);
    await reader.close();
    const cost = (platform.standalone?.residentBytes() ?? 0) - before;
    process.stdout.write(
      `A36: 16 readers that do not read 120 events each: resident +${(cost / MIB).toFixed(0)} MiB\n`,
    );
    expect(cost).toBeLessThan(128 * MIB);
    for (const socket of paused) socket.destroy();
  });

  /** An upgrade by hand. @returns its status, and the connection */
  function upgradeSocket(target: string, headers: Record<string, string>): Promise<{ status: number; socket: Socket }> {
    const { hostname, port, host } = new URL(platform.baseUrl);
    const key = createHash('sha1').update(randomBytes(8)).digest().subarray(0, 16).toString('base64');
    const lines = {
      Host: host,
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': key,
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () =>
        socket.write(
          `GET ${target} HTTP/1.1\r\n${Object.entries(lines)
            .map(([name, value]) => `${name}: ${value}\r\n`)
            .join('')}\r\n`,
        ),
      );
      socket.on('error', () => socket.destroy());
      socket.once('data', (answer) => resolve({ status: Number(String(answer).slice(9, 12)), socket }));
      socket.once('close', () => reject(new Error(`${target}: closed without an answer`)));
    });
  }

  async function upgraded(target: string): Promise<number> {
    const { status, socket } = await upgradeSocket(target, signed(target));
    socket.destroy();
    return status;
  }
});
