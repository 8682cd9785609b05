import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { LienThongClient } from '../client';
import { FakeExchange } from '../testing/fake-exchange';
import { ACCESS_KEY, FakePlatform, SECRET_KEY } from '../testing/fake-platform';

describe('receive', () => {
  let platform: FakePlatform;
  let exchange: FakeExchange;
  let client: LienThongClient;
  let folder: string;
  const retry = { attempts: 4, totalMs: 10_000, baseMs: 1, maxMs: 5 };
  const bytes = randomBytes(300_000);

  beforeEach(async () => {
    platform = await new FakePlatform().start();
    exchange = new FakeExchange(platform);
    client = new LienThongClient({ baseUrl: platform.origin, accessKey: ACCESS_KEY, secretKey: SECRET_KEY, retry });
    folder = await mkdtemp(join(tmpdir(), 'lienthong-receive-'));
  });
  afterEach(async () => {
    await client.close();
    await platform.stop();
    await rm(folder, { recursive: true });
  });

  it('fetches every part, verifies it, and confirms with the digests of what is on the disk', async () => {
    const id = exchange.deliver({ 'công văn.pdf': bytes, 'rỗng.txt': Buffer.alloc(0) });
    const received = await client.receive(id, folder);
    expect(received).toMatchObject({ state: 'accepted', receipt: 'a.b.c' });
    expect(bytes.equals(await readFile(join(folder, 'công văn.pdf')))).toBe(true);
    const parts = received.files.map(({ name, sha256 }) => ({ name, sha256 }));
    expect(exchange.confirmed.get(id)).toEqual({ outcome: 'accepted', parts });
    expect((await readdir(folder)).toSorted()).toEqual(['công văn.pdf', 'rỗng.txt']);
  });

  it('goes on after what an interrupted download left', async () => {
    const id = exchange.deliver({ 'a.pdf': bytes });
    await writeFile(join(folder, `.${id}-0.part`), bytes.subarray(0, 1000));
    await client.receive(id, folder);
    expect(exchange.ranges).toEqual(['bytes=1000-']);
    expect(bytes.equals(await readFile(join(folder, 'a.pdf')))).toBe(true);
  });

  it('fetches from the start when what was left is not the beginning of this content', async () => {
    const id = exchange.deliver({ 'a.pdf': bytes });
    await writeFile(join(folder, `.${id}-0.part`), randomBytes(1000));
    await client.receive(id, folder);
    expect(exchange.ranges).toEqual(['bytes=1000-', undefined]);
    expect(bytes.equals(await readFile(join(folder, 'a.pdf')))).toBe(true);
  });

  it('goes on in the middle when the connection breaks during the body', async () => {
    const id = exchange.deliver({ 'a.pdf': bytes });
    const half = { status: 200, body: bytes.subarray(0, 1000), headers: { 'content-length': '1000' } };
    platform.mishap('GET /store/', half, 'cut');
    await client.receive(id, folder);
    expect(exchange.ranges).toEqual(['bytes=1000-']);
    expect(bytes.equals(await readFile(join(folder, 'a.pdf')))).toBe(true);
  });

  it('confirms nothing and keeps nothing when the content is not what was declared', async () => {
    const id = exchange.deliver({ 'a.pdf': bytes });
    const other = { status: 200, body: randomBytes(bytes.length) };
    platform.mishap('GET /store/', other, other);
    await expect(client.receive(id, folder)).rejects.toMatchObject({ code: 'download_mismatch' });
    expect(exchange.confirmed.size).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  it('asks for new addresses when the old ones have expired', async () => {
    const id = exchange.deliver({ 'a.pdf': bytes, 'b.pdf': bytes });
    platform.mishap('GET /store/', { status: 403 });
    await client.receive(id, folder);
    expect(platform.count(`POST /v1/deliveries/${id}/ready`)).toBe(2);
  });

  it('numbers a name that is taken and never touches the file that has it', async () => {
    await writeFile(join(folder, 'a.pdf'), 'mine');
    const received = await client.receive(exchange.deliver({ 'a.pdf': bytes }), folder);
    expect(basename(received.files[0].path)).toBe('a (2).pdf');
    expect(await readFile(join(folder, 'a.pdf'), 'utf8')).toBe('mine');
  });

  it('writes nothing outside the folder, whatever the parts are called', async () => {
    const id = exchange.deliver({ '../../evil.sh': bytes, '/etc/passwd': bytes, 'CON.txt': bytes, '..': bytes });
    const received = await client.receive(id, folder);
    expect((await readdir(folder)).toSorted()).toEqual(received.files.map(({ path }) => basename(path)).toSorted());
    expect(received.files.every(({ path }) => join(folder, basename(path)) === path)).toBe(true);
    expect(exchange.confirmed.get(id)).toMatchObject({ parts: [{ name: '../../evil.sh' }, {}, {}, {}] });
  });

  it('makes no second copy when it stopped between storing and confirming', async () => {
    const id = exchange.deliver({ 'a.pdf': bytes });
    platform.mishap(`POST /v1/deliveries/${id}/confirm`, { code: 'not_found' });
    await expect(client.receive(id, folder)).rejects.toThrow();
    await client.receive(id, folder);
    expect(await readdir(folder)).toEqual(['a.pdf']);
    expect(exchange.ranges).toHaveLength(1);
  });

  it('rejects by choice, and confirms nothing when told to wait', async () => {
    const id = exchange.deliver({ 'a.pdf': bytes });
    await expect(client.receive(id, folder, { confirm: false })).resolves.toMatchObject({ state: 'ready' });
    expect(exchange.confirmed.size).toBe(0);
    await client.receive(id, folder, {
      confirm: () => ({ outcome: 'rejected', reasonCode: 'wrong_addressee', reason: 'Sai nơi nhận' }),
    });
    expect(exchange.confirmed.get(id)).toMatchObject({
      outcome: 'rejected',
      reasonCode: 'wrong_addressee',
      parts: [{ name: 'a.pdf' }],
    });
  });

  it('receives all that waits; one that fails does not hold back the others', async () => {
    const bad = exchange.deliver({ 'a.pdf': bytes });
    const good = exchange.deliver({ 'b.pdf': bytes });
    platform.mishap(`POST /v1/deliveries/${bad}/ready`, { code: 'wrong_state' });
    const all = await client.receiveAll(folder, { folderPerPacket: true });
    expect(all.received.map(({ deliveryId }) => deliveryId)).toEqual([good]);
    expect(all.failed).toMatchObject([{ delivery: { deliveryId: bad }, error: { code: 'wrong_state' } }]);
    expect(bytes.equals(await readFile(join(folder, `packet-of-${good}`, 'b.pdf')))).toBe(true);
  });
});
