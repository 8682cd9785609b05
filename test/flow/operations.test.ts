import { eventually } from '../support/eventually';
import { accept, deliveryId, packetIn, sendInline } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(90_000);

describe('What an operator sees and does', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
    const list: T[] = [];
    for await (const item of items) list.push(item);
    return list;
  };

  it('replay-dead-tasks: lists what was given up with the reason, and has it tried again, one or all that fit', async () => {
    const { packetId } = await sendInline(source, destination);
    const delivery = await eventually(() => deliveryId(source, packetId, destination));
    await accept(destination, delivery);
    await packetIn(source, packetId, 'completed');
    await eventually(async () => (await source.client.packets.get(packetId)).purgedAt !== null);
    // Only a handler that fails many times makes one; the tables are what it would leave.
    const bury = (id: string) =>
      platform.sql(
        `INSERT INTO dead_tasks (id, kind, packet_id, attempt, reason) VALUES ($1, 'purge-content', $2, 8, 'S3 said no')`,
        [id, packetId],
      );
    const [one, two] = ['019a0000-0000-7000-8000-000000000001', '019a0000-0000-7000-8000-000000000002'];
    await bury(one);
    await bury(two);
    const { deadTasks } = platform.admin.admin;
    expect(await all(deadTasks.list({ packetId }))).toEqual([
      expect.objectContaining({ taskId: two, kind: 'purge-content', packetId, attempt: 8, reason: 'S3 said no' }),
      expect.objectContaining({ taskId: one }),
    ]);
    expect(await deadTasks.replay({ taskIds: [one] })).toEqual({ replayed: 1 });
    expect(await deadTasks.replay({ packetId, kind: 'analyse-packet' })).toEqual({ replayed: 0 });
    expect(await deadTasks.replay({ packetId })).toEqual({ replayed: 1 });
    expect(await all(deadTasks.list({ packetId }))).toEqual([]);
    // Both are done again, without harm: the content was gone already.
    await eventually(
      async () => (await platform.sql('SELECT 1 FROM outbox WHERE packet_id = $1', [packetId])).length === 0,
    );
    const { status } = await platform.fetch('/v1/admin/dead-tasks', { key: source.key });
    expect(status).toBe(403);
  });

  it('watch-connections: who connected when, from where and for how long, also after it left', async () => {
    const stop = new AbortController();
    const stream = (async () => {
      for await (const event of source.client.stream({ signal: stop.signal })) expect(event.id).toBeTruthy();
    })();
    const history = () => all(platform.admin.admin.connections({ systemId: source.systemId }));
    const [open] = await eventually(async () => {
      const seen = await history();
      return seen.length > 0 && seen;
    });
    expect(open).toMatchObject({ systemId: source.systemId, closedAt: null, address: expect.stringMatching(/\S/) });
    expect(await all(platform.admin.admin.connections({ systemId: source.systemId, open: true }))).toHaveLength(1);
    stop.abort();
    await stream.catch(() => undefined);
    await eventually(async () => (await history())[0].closedAt !== null);
    expect(await all(platform.admin.admin.connections({ systemId: source.systemId, open: true }))).toEqual([]);
  });
  it('read-packet: a timeline has a sentence for a clerk, and what needs a hand is listed with what can be done', async () => {
    const { packetId } = await sendInline(source, destination);
    await eventually(() => deliveryId(source, packetId, destination));
    const { timeline } = await source.client.packets.get(packetId);
    expect(timeline.map(({ event }) => event)).toContain('delivery.announced');
    for (const { sentence } of timeline) expect(sentence.vi).toMatch(/ lúc \d\d:\d\d ngày \d\d\/\d\d\/\d{4}\.$/);
    expect(timeline.find(({ event }) => event === 'delivery.announced')?.sentence.vi).toContain(
      `Đã thông báo cho ${destination.systemId}`,
    );
    expect(await source.client.packets.stuck()).toEqual([]);
    // As if half of its time had passed.
    await platform.sql(`UPDATE deliveries SET available_at = available_at - interval '6 days' WHERE packet_id = $1`, [
      packetId,
    ]);
    const [stuck, ...others] = await source.client.packets.stuck();
    expect(others).toEqual([]);
    expect(stuck).toMatchObject({
      packetId,
      state: 'scheduled',
      reason: 'not_announced',
      delivery: { systemId: destination.systemId, state: 'pending' },
      sentence: { vi: expect.stringContaining('Hãy liên hệ nơi nhận') },
    });
    expect(await destination.client.packets.stuck()).toEqual([]);
    const delivery = await deliveryId(source, packetId, destination);
    await accept(destination, delivery as string);
    expect(await source.client.packets.stuck()).toEqual([]);
  });
});
