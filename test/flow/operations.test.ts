import { asAdministrator } from '../support/command-line';
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
    const bury = (id: string, age: string) =>
      platform.sql(
        `INSERT INTO dead_tasks (id, kind, packet_id, attempt, reason, at) VALUES ($1, 'purge-content', $2, 8, 'S3 said no', now() - $3::interval)`,
        [id, packetId, age],
      );
    const [one, two, three] = [1, 2, 3].map((n) => `019a0000-0000-7000-8000-00000000000${n}`);
    await bury(one, '3 hours');
    await bury(two, '2 hours');
    await bury(three, '0');
    const { deadTasks } = platform.admin.admin;
    expect(await all(deadTasks.list({ packetId }))).toEqual([
      expect.objectContaining({ taskId: three }),
      expect.objectContaining({ taskId: two, kind: 'purge-content', packetId, attempt: 8, reason: 'S3 said no' }),
      expect.objectContaining({ taskId: one }),
    ]);
    const { queues } = await platform.admin.admin.queues();
    expect(queues.find(({ queue }) => queue === 'dead-tasks')?.ready).toBeGreaterThanOrEqual(3);

    const cli = (...words: string[]) => asAdministrator(platform, 'admin', 'dead-tasks', ...words);
    const [, ...lines] = (await cli('list', '--packet', packetId)).trim().split('\n');
    expect(lines.map((line) => [line.includes('S3 said no'), line.split(' ')[0]])).toEqual([
      [true, three],
      [true, two],
      [true, one],
    ]);
    const answered = async (...words: string[]) => JSON.parse(await cli('replay', ...words, '--json')).replayed;
    expect(await answered(one)).toBe(1);
    expect(await answered('--packet', packetId, '--kind', 'analyse-packet')).toBe(0);
    expect(await answered('--packet', packetId, '--until', '1h')).toBe(1);
    expect(await all(deadTasks.list({ packetId }))).toEqual([expect.objectContaining({ taskId: three })]);
    expect(await deadTasks.replay({ packetId, kind: 'purge-content' })).toEqual({ replayed: 1 });
    expect(await all(deadTasks.list({ packetId }))).toEqual([]);
    await expect(cli('replay')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--until or --all') });
    // All are done again, without harm: the content was gone already.
    await eventually(
      async () => (await platform.sql('SELECT 1 FROM outbox WHERE packet_id = $1', [packetId])).length === 0,
    );
    const { status } = await platform.fetch('/v1/admin/dead-tasks', { key: source.key });
    expect(status).toBe(403);
  });

  it('watch-connections: who connected when, from where and for how long, also after it left', async () => {
    const now = async () => (await platform.sql<{ now: Date }>('SELECT now()'))[0].now.getTime();
    const began = await now();
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
    expect(Date.parse(open.openedAt)).toBeGreaterThanOrEqual(began);
    expect(Date.parse(open.openedAt)).toBeLessThanOrEqual(await now());
    expect(open.seconds).toBeLessThanOrEqual(Math.ceil(((await now()) - began) / 1000));
    // As if it had been opened two hours before.
    await platform.sql(`UPDATE connections SET opened_at = opened_at - interval '2 hours' WHERE id = $1`, [
      open.connectionId,
    ]);
    expect(await all(platform.admin.admin.connections({ systemId: source.systemId, open: true }))).toHaveLength(1);
    stop.abort();
    await stream.catch(() => undefined);
    const closed = await eventually(async () => {
      const [last] = await history();
      return last.closedAt !== null && last;
    });
    expect(Date.parse(closed.openedAt)).toBe(Date.parse(open.openedAt) - 7_200_000);
    expect(closed.seconds).toBe(Math.round((Date.parse(closed.closedAt ?? '') - Date.parse(closed.openedAt)) / 1000));
    expect(closed.seconds).toBeGreaterThanOrEqual(7200);
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
