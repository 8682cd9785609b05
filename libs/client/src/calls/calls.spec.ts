import { LienThongClient } from '../client';
import { ACCESS_KEY, FakePlatform, SECRET_KEY } from '../testing/fake-platform';

describe('calls', () => {
  let platform: FakePlatform;
  let client: LienThongClient;

  beforeEach(async () => {
    platform = await new FakePlatform().start();
    client = new LienThongClient({ baseUrl: platform.origin, accessKey: ACCESS_KEY, secretKey: SECRET_KEY });
  });
  afterEach(async () => {
    await client.close();
    await platform.stop();
  });

  it('follows the stream by polling: acknowledges a page by asking for the next, keeps its place on an empty one, ends when told', async () => {
    const stop = new AbortController();
    const asked: (string | null)[] = [];
    const pages = [['1', '2'], [], ['3']];
    platform.route('GET', /^\/v1\/events$/, async ({ query }) => {
      asked.push(query.get('after'));
      const page = pages.shift();
      if (!page) await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
      const items = (page ?? []).map((offset) => ({ offset }));
      return { status: 200, body: { items, nextCursor: items.at(-1)?.offset ?? null, lastOffset: '3' } };
    });
    const seen: string[] = [];
    for await (const { offset } of client.events.follow({ signal: stop.signal })) {
      seen.push(offset);
      if (offset === '3') setTimeout(() => stop.abort(), 50);
    }
    expect(seen).toEqual(['1', '2', '3']);
    expect(asked).toEqual([null, '2', '2', '3']);
  });

  it('lists every page, and asks for the next only when the loop gets there', async () => {
    const pages: Record<string, object> = {
      first: { items: [{ packetId: 'a' }, { packetId: 'b' }], nextCursor: 'second' },
      second: { items: [{ packetId: 'c' }], nextCursor: null },
    };
    platform.route('GET', /^\/v1\/packets$/, ({ query }) => ({
      status: 200,
      body: pages[query.get('cursor') ?? 'first'],
    }));
    const seen: string[] = [];
    for await (const { packetId } of client.packets.list({
      state: ['scheduled', 'completed'],
      q: 'báo cáo & kết quả',
    })) {
      seen.push(packetId);
      if (packetId === 'b') expect(platform.count('GET /v1/packets')).toBe(1);
    }
    expect(seen).toEqual(['a', 'b', 'c']);
    const { query } = platform.asked[1];
    expect([query.get('state'), query.get('q')]).toEqual(['scheduled,completed', 'báo cáo & kết quả']);
  });

  it('writes a system id into a path as its two segments', async () => {
    await expect(client.directory.get('H01.14/qlvb')).rejects.toMatchObject({ code: 'not_found' });
    expect(platform.asked.at(-1)?.target).toBe('/v1/directory/H01.14/qlvb');
  });

  it('signs administration with the access key even while a session is open', async () => {
    await client.sessions.open();
    platform.route('GET', /^\/v1\/admin\/queues$/, () => ({ status: 200, body: { queues: [], destinations: [] } }));
    await client.admin.queues();
    expect(platform.asked.at(-1)?.keyId).toBe(ACCESS_KEY);
  });
});
