import { randomUUID } from 'node:crypto';
import { task, type TaskKind, type PacketState } from '@lienthong/contracts';
import { PostgresQueue, type Queue, type QueuedTask, RabbitmqQueue } from '@lienthong/queue';
import { sendAll } from '../conformance/queue/bench';
import { eventually } from '../support/eventually';
import {
  deliveryId,
  digest,
  download,
  fetchAll,
  newFile,
  openSpace,
  packetIn,
  purged,
  sendInline,
  sendPut,
  waiting,
} from '../support/exchange';
import {
  onEmbedded,
  onRealStack,
  type Party,
  type Platform,
  startPlatform,
  startStandalone,
} from '../support/platform';
import { type Contested, Races } from '../support/races';
import { setting } from '../support/setting';
import { itWhen } from '../support/when';

jest.setTimeout(240_000);

const RACES = 150;
const AT_ONCE = 10;
const DEADLINE_RACES = 40;
const DAY_MS = 86_400_000;
const FORGED = 1000;

describe('Quotas of a system', () => {
  let platform: Platform;
  afterEach(() => platform?.stop());

  itWhen(onEmbedded, 'the stack runs with one setting for all tests')(
    'A23: spaces that are open, and what was declared for them, have a bound for each system; what is completed or taken back makes room',
    async () => {
      platform = await startStandalone({ OPEN_SPACES: '3', OPEN_SPACES_GIB: '1' });
      const [source, other, destination] = [
        await platform.makeParty(),
        await platform.makeParty(),
        await platform.makeParty(),
      ];
      const ask = async (party: Party, size: number) => {
        const part = { name: 'a.bin', mediaType: 'application/octet-stream', size, sha256: digest(Buffer.alloc(1)) };
        const body = { to: [destination.systemId], title: 'V/v', dataType: 'file', parts: [part] };
        return platform.fetch('/v1/packets', { method: 'POST', body, key: party.key });
      };
      const GiB = 1024 ** 3;
      const refused = (limit: number, actual: number) => ({
        status: 429,
        json: { code: 'quota_exceeded', limit, actual },
      });
      expect(await ask(source, GiB + 1)).toMatchObject(refused(GiB, GiB + 1));
      expect((await ask(source, GiB - 100)).status).toBe(201);
      expect(await ask(source, 101)).toMatchObject(refused(GiB, GiB + 1));
      expect((await ask(other, 101)).status).toBe(201);

      const open = [
        await openSpace(source, destination, newFile(10)),
        await openSpace(source, destination, newFile(10)),
      ];
      const full = await ask(source, 1);
      expect(full).toMatchObject(refused(3, 4));
      expect(full.headers.get('retry-after')).toBe('60');
      // Inline packets leave nothing open.
      const { packetId } = await sendInline(source, destination);
      await packetIn(source, packetId, 'scheduled');
      await source.client.packets.recall(open[0].packetId, 'Thôi');
      expect((await ask(source, 1)).status).toBe(201);
      expect(await ask(source, 1)).toMatchObject(refused(3, 4));
    },
  );
});

describe('A packet about which several decide at the same moment', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;
  let races: Races;
  beforeAll(async () => {
    platform = await (onRealStack ? startPlatform() : startStandalone({ DEADLINE_WATCH_SECONDS: '1' }));
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
    races = new Races(platform, source, destination);
  });
  afterAll(() => platform?.stop());

  it(`A43 A44: has one outcome in each of ${RACES} races of four, and its receipts say that one`, async () => {
    const won: Record<string, number> = {};
    for (let begun = 0; begun < RACES; begun += AT_ONCE) {
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          const outcome = await race();
          won[outcome] = (won[outcome] ?? 0) + 1;
        }),
      );
    }
    process.stdout.write(`races: ${RACES}, won by ${JSON.stringify(won)}\n`);
    expect(Object.values(won).reduce((sum, n) => sum + n, 0)).toBe(RACES);
    expect(Object.keys(won).length).toBeGreaterThan(1);
  });

  async function race(): Promise<string> {
    const contested = await races.prepare();
    await races.compete(contested);
    return races.outcome(contested);
  }

  it(`A44: has one outcome in each of ${DEADLINE_RACES} races with the end of its time, and who is late is told`, async () => {
    const won: Record<string, number> = {};
    const contested: Contested[] = [];
    while (contested.length < DEADLINE_RACES)
      contested.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => races.prepare()))));
    const deliverBy = new Date(Date.now() + 10 * DAY_MS).toISOString();
    const against: ((one: Contested) => Promise<unknown>)[] = [
      (one) => races.extend(one, deliverBy),
      (one) => races.accept(one),
      (one) => races.accept(one),
      (one) => races.compete(one),
    ];
    const ids = contested.map(({ packetId }) => packetId);
    const answers = await races.withDeadline(ids, () =>
      inLanes(contested.map((one, n) => () => against[n % against.length](one))),
    );
    for (const [n, one] of contested.entries()) {
      const state = await races.outcome(one);
      const { recipients } = await source.client.packets.get(one.packetId);
      const isLate = recipients[0].lateConfirmedAt !== undefined;
      won[state === 'ready' ? 'extended' : state] = (won[state === 'ready' ? 'extended' : state] ?? 0) + 1;
      const kind = n % against.length;
      // Of the four somebody always confirms, and too late where the deadline won.
      if (kind === 3) expect(['accepted', 'rejected', 'recalled', 'undeliverable']).toContain(state);
      else
        expect([state, answers[n]]).toEqual(
          state === 'undeliverable' ? [state, 'wrong_state'] : [kind === 0 ? 'ready' : 'accepted', 'in time'],
        );
      expect(isLate).toBe(state === 'recalled' || (state === 'undeliverable' && kind > 0));
    }
    process.stdout.write(`races with the deadline: ${DEADLINE_RACES}, won by ${JSON.stringify(won)}\n`);
    expect(won.undeliverable).toBeGreaterThan(0);
    expect(Object.keys(won).length).toBeGreaterThan(1);
  });

  it(`A49: ${FORGED} tasks that somebody puts straight into the broker do nothing that the database does not agree with`, async () => {
    const states: PacketState[] = ['open', 'scheduled'];
    const open = await openSpace(source, destination, newFile(1000));
    const sent = await sendPut(source, destination, newFile(1000));
    await packetIn(source, sent.packetId, 'scheduled');
    const packets = [open.packetId, sent.packetId];
    const before = await Promise.all(packets.map((packetId) => source.client.packets.get(packetId)));
    expect(before.map(({ state }) => state)).toEqual(states);

    const queue: Queue = onRealStack
      ? new RabbitmqQueue({ url: setting('RABBITMQ_URL')! })
      : new PostgresQueue({ connectionString: platform.databaseUrl() });
    await queue.open();
    const kinds: TaskKind[] = ['purge-content', 'analyse-packet', 'notify-destination'];
    try {
      for (let number = 0; number < FORGED; number += 50)
        await sendAll(
          queue,
          Array.from({ length: 50 }, (_, index) => forgery(kinds[(number + index) % kinds.length], packets[index % 2])),
        );
    } finally {
      await queue.close();
    }
    // What is sent after them is handled after them.
    const after = await sendInline(source, destination);
    await eventually(
      async () => (await packetIn(source, after.packetId, 'scheduled')) && waiting(destination, after.packetId),
      { within: 60_000 },
    );

    const now = await Promise.all(packets.map((packetId) => source.client.packets.get(packetId)));
    expect(now.map(({ state, purgedAt }) => ({ state, purgedAt }))).toEqual(
      states.map((state) => ({ state, purgedAt: null })),
    );
    const story = (view: (typeof now)[number]) =>
      view.timeline.map(({ event }) => event).filter((event) => event !== 'delivery.notified');
    expect(now.map(story)).toEqual(
      before
        .map(story)
        .map((events, index) =>
          index === 1 && !events.includes('delivery.announced') ? [...events, 'delivery.announced'] : events,
        ),
    );
    const [fetched] = await fetchAll(destination, await deliveryId(source, sent.packetId, destination));
    expect(fetched.bytes.equals(sent.files[0].bytes)).toBe(true);
    expect((await download(fetched)).status).toBe(200);
    await destination.client.deliveries.confirm(await deliveryId(source, sent.packetId, destination), {
      outcome: 'accepted',
      parts: [{ name: fetched.part, sha256: digest(fetched.bytes) }],
    });
    await purged(source, sent.packetId);
  });
});

/** Two at a time, so that those who come late and those who come early meet the scheduler on its way. */
async function inLanes<T>(work: (() => Promise<T>)[]): Promise<T[]> {
  const answers: T[] = [];
  const queue = [...work.entries()];
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) answers[next[0]] = await next[1]();
  };
  await Promise.all(Array.from({ length: 2 }, lane));
  return answers;
}

const forgery = (kind: TaskKind, packetId: string): QueuedTask => ({
  id: randomUUID(),
  task: task(kind, packetId),
  priority: 'express',
  attempt: 1,
});
