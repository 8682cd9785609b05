import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LienThongClient } from '../client';
import { FakeExchange } from '../testing/fake-exchange';
import { ACCESS_KEY, FakePlatform, SECRET_KEY } from '../testing/fake-platform';
import type { SendFilesRequest } from './send-files';

const asked = (paths: string[], protocol: SendFilesRequest['protocol']): SendFilesRequest => ({
  to: 'H01.20',
  title: 'V/v',
  files: paths,
  protocol,
});

describe('send-files', () => {
  let platform: FakePlatform;
  let exchange: FakeExchange;
  let client: LienThongClient;
  let folder: string;
  const retry = { attempts: 4, totalMs: 10_000, baseMs: 1, maxMs: 5 };
  const files = async () => (await readdir(folder)).filter((name) => name.endsWith('.json'));

  beforeEach(async () => {
    platform = await new FakePlatform().start();
    exchange = new FakeExchange(platform);
    client = new LienThongClient({ baseUrl: platform.origin, accessKey: ACCESS_KEY, secretKey: SECRET_KEY, retry });
    folder = await mkdtemp(join(tmpdir(), 'lienthong-send-'));
  });
  afterEach(async () => {
    await client.close();
    await platform.stop();
    await rm(folder, { recursive: true });
  });

  async function fileOf(name: string, size: number): Promise<{ path: string; bytes: Buffer }> {
    const bytes = randomBytes(size);
    await writeFile(join(folder, name), bytes);
    return { path: join(folder, name), bytes };
  }
  const arrived = (packetId: string) => exchange.packet(packetId).bytes;

  it('sends little content in the one call', async () => {
    const { path, bytes } = await fileOf('công văn.pdf', 5000);
    const sent = await client.sendFiles({
      to: 'H01.20',
      title: 'V/v',
      files: [path, { name: 'b.txt', buffer: Buffer.from('x') }],
    });
    expect(sent).toMatchObject({ state: 'received', protocol: 'inline' });
    expect(arrived(sent.packetId).get('công văn.pdf 1')).toEqual(bytes);
    expect(sent.parts.map(({ name, mediaType, size }) => [name, mediaType, size])).toEqual([
      ['công văn.pdf', 'application/pdf', 5000],
      ['b.txt', 'text/plain', 1],
    ]);
  });

  it('streams larger content to its address with exactly the headers given, and completes', async () => {
    const { path, bytes } = await fileOf('a.pdf', 700_000);
    const sent = await client.sendFiles({ to: ['H01.20'], title: 'V/v', files: [path] });
    expect(sent).toMatchObject({ state: 'received', protocol: 'put' });
    expect(arrived(sent.packetId).get('a.pdf 1')?.equals(bytes)).toBe(true);
  });

  it('sends an empty file', async () => {
    const { path } = await fileOf('rỗng.txt', 0);
    await expect(client.sendFiles(asked([path], 'put'))).resolves.toMatchObject({ state: 'received' });
  });

  it('uploads in pieces, reports every byte once, and leaves no state behind', async () => {
    const { path } = await fileOf('a.zip', 4500);
    const progress: number[] = [];
    const sent = await client.sendFiles(asked([path], 'multipart'), {
      onProgress: ({ phase, bytes }) => phase === 'upload' && progress.push(bytes),
    });
    expect(sent.state).toBe('received');
    expect(exchange.stored.toSorted()).toEqual(['a.zip 1', 'a.zip 2', 'a.zip 3', 'a.zip 4', 'a.zip 5']);
    expect(progress.at(-1)).toBe(4500);
    expect(await files()).toEqual([]);
  });

  it('tries a piece again after a broken connection or an answer of 500', async () => {
    const { path } = await fileOf('a.zip', 2500);
    platform.mishap('PUT /store/', 'cut', { status: 500 }, { status: 503 });
    await expect(client.sendFiles(asked([path], 'multipart'))).resolves.toMatchObject({ state: 'received' });
  });

  it('asks for new addresses when the old ones have expired', async () => {
    const { path } = await fileOf('a.zip', 9500);
    let expired = false;
    const sent = await client.sendFiles(asked([path], 'multipart'), {
      onProgress: ({ phase, bytes }) => {
        if (phase === 'upload' && bytes > 3000 && !expired) exchange.expireAddresses();
        expired ||= bytes > 3000 && phase === 'upload';
      },
    });
    expect(sent.state).toBe('received');
    expect(platform.count(`POST /v1/packets/${sent.packetId}/space`)).toBe(1);
  });

  it('goes on with an interrupted upload: the same packet, and only the pieces that are missing', async () => {
    const { path } = await fileOf('a.zip', 9500);
    const stop = new AbortController();
    const interrupted = client.sendFiles(asked([path], 'multipart'), {
      signal: stop.signal,
      onProgress: ({ phase, bytes }) => phase === 'upload' && bytes > 6000 && stop.abort(),
    });
    await expect(interrupted).rejects.toThrow();
    const kept = JSON.parse(await readFile(`${path}.lienthong-upload.json`, 'utf8'));
    const done = Object.keys(kept.stored['a.zip']).map((number) => `a.zip ${number}`);
    expect(done.length).toBeGreaterThan(0);
    const before = exchange.stored.length;

    const sent = await client.sendFiles(asked([path], 'multipart'));
    expect(sent).toMatchObject({ state: 'received', resumed: true, packetId: kept.packetId });
    expect(exchange.stored.slice(before).filter((piece) => done.includes(piece))).toEqual([]);
    expect(exchange.packets.size).toBe(1);
    expect(await files()).toEqual([]);
  });

  it('sends everything once more when the pieces it remembers are gone', async () => {
    const { path } = await fileOf('a.zip', 3500);
    platform.mishap('POST /v1/packets/', { code: 'not_found' });
    await expect(client.sendFiles(asked([path], 'multipart'))).rejects.toMatchObject({ code: 'not_found' });
    const [packet] = exchange.packets.values();
    packet.bytes.delete('a.zip 2');
    await expect(client.sendFiles(asked([path], 'multipart'))).resolves.toMatchObject({ state: 'received' });
    expect(exchange.packets.size).toBe(1);
  });

  it('begins a new packet when the file has changed since the interruption', async () => {
    const { path } = await fileOf('a.zip', 3500);
    platform.mishap('POST /v1/packets/', { code: 'not_found' });
    await expect(client.sendFiles(asked([path], 'multipart'))).rejects.toThrow();
    await fileOf('a.zip', 3600);
    await expect(client.sendFiles(asked([path], 'multipart'))).resolves.toMatchObject({ resumed: false });
    expect(exchange.packets.size).toBe(2);
  });

  it('keeps its state in the folder it is told', async () => {
    const { path } = await fileOf('a.zip', 3500);
    const stateFolder = join(folder, 'state');
    platform.mishap('POST /v1/packets/', { code: 'not_found' });
    await expect(client.sendFiles(asked([path], 'multipart'), { stateFolder })).rejects.toThrow();
    expect(await readdir(stateFolder)).toHaveLength(1);
    expect(await files()).toEqual([]);
  });

  it('says that a file does not exist before anything is asked of the platform', async () => {
    await expect(client.sendFiles(asked([join(folder, 'absent.pdf')], 'put'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
    expect(platform.asked).toEqual([]);
  });
});
