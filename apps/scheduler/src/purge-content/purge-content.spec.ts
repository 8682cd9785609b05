import type {
  BlockedPurgeStore,
  EventStreamStore,
  PacketRow,
  PacketStore,
  ReceiptStore,
  TimelineStore,
  Transactions,
  Unit,
  WholePacket,
} from '@lienthong/persistence';
import { Metrics } from '@lienthong/runtime';
import { ContentKept, type PurgeReport, type Storage } from '@lienthong/storage';
import { PurgeContent } from './purge-content';

const ID = '0198f1c2-7d3e-7a10-8b8e-3f0d8a1c2b4d';
const GONE: PurgeReport = {
  removed: ['packets/x/0-0'],
  aborted: 0,
  checked: ['objects'],
  deletedAt: '2026-11-20T08:00:00.000Z',
  verifiedAbsentAt: '2026-11-20T08:00:01.000Z',
};

/** A packet with this row, and a store that answers so; `done` tells in which order things happened. */
function purging(
  row: Partial<PacketRow>,
  ask: () => Promise<PurgeReport> = async () => GONE,
  uploadsOutlivePurge = false,
) {
  const done: string[] = [];
  const packet = {
    id: ID,
    source: 'H01.14/a',
    round: 1,
    state: 'completed',
    recipients: [],
    policy: {},
    asOf: new Date(),
    readAt: performance.now(),
    ...row,
  } as unknown as PacketRow;
  const again: number[] = [];
  const unit = {
    records: { audit: [] },
    enqueue: (_task: unknown, _priority: unknown, delayMs: number) => void again.push(delayMs),
  } as unknown as Unit;
  const steps = new PurgeContent(
    { run: async (work: (unit: Unit) => Promise<unknown>) => work(unit) } as Transactions,
    {
      findWhole: async (): Promise<WholePacket> => ({ packet, parts: [], deliveries: [] }),
      markPurged: async () => void done.push('recorded'),
    } as unknown as PacketStore,
    { add: () => undefined } as unknown as EventStreamStore,
    { append: async () => 'jws' } as unknown as ReceiptStore,
    {
      add: (_unit: Unit, _id: string, [{ event }]: { event: string }[]) => void done.push(event),
    } as unknown as TimelineStore,
    {
      uploadsOutlivePurge,
      purge: async (place: string) => {
        done.push(place === ID ? 'asked' : `asked ${place.slice(ID.length)}`);
        const report = await ask();
        done.push('deleted');
        return report;
      },
    } as unknown as Storage,
    { note: async () => true, count: async () => 0 } as unknown as BlockedPurgeStore,
    { store: 'filesystem' } as ConstructorParameters<typeof PurgeContent>[7],
    new Metrics(),
  );
  return { done, again, steps };
}

const due = { purgeAfter: new Date(Date.now() - 1000), purgedAt: null };

describe('purge-content', () => {
  it('records the purge after the store has answered that nothing is left, not before', async () => {
    const { done, steps } = purging(due);
    await steps.purge(ID);
    expect(done).toEqual(['asked', 'deleted', 'recorded', 'packet.purged']);
  });

  it.each([
    ['was never ended', { state: 'scheduled' as const, purgeAfter: null }],
    ['is to be kept for a while', { purgeAfter: new Date(Date.now() + 60_000) }],
  ])('deletes nothing of a packet that %s, whoever sent the task', async (_what, row) => {
    const { done, steps } = purging({ ...due, ...row });
    await steps.purge(ID);
    expect(done).toEqual([]);
  });

  it('deletes what was uploaded for its round and those before, each in its own place, before it records', async () => {
    const { done, steps } = purging({ ...due, round: 3 });
    await steps.purge(ID);
    const asked = ['asked', 'deleted', 'asked -2', 'deleted', 'asked -3', 'deleted'];
    expect(done).toEqual([...asked, 'recorded', 'packet.purged']);
  });

  it('records no purge that the store refused, and says that it is held up', async () => {
    const { done, steps } = purging(due, () => Promise.reject(new ContentKept(ID, 1, 'AccessDenied')));
    await steps.purge(ID);
    expect(done).toEqual(['asked', 'packet.purgeBlocked']);
  });

  it('records no purge while the store cannot be asked: the task comes again', async () => {
    const { done, steps } = purging(due, () => Promise.reject(new Error('no answer')));
    await expect(steps.purge(ID)).rejects.toThrow('no answer');
    expect(done).toEqual(['asked']);
  });

  const now = new Date();
  const recalled = { ...due, state: 'recalled' as const, createdAt: now, finishedAt: now, receivedAt: null };
  it.each([
    ['inline content that a request may still be storing', { ...recalled, protocol: 'inline' as const }, false, 1],
    [
      'inline content that was stored before the end',
      { ...recalled, protocol: 'inline' as const, receivedAt: now },
      true,
      0,
    ],
    ['an address of a store where it outlives the purge', { ...recalled, protocol: 'put' as const }, true, 1],
    ['an address of a store where it does not', { ...recalled, protocol: 'put' as const }, false, 0],
    ['an address of a later round', { ...recalled, protocol: 'inline' as const, round: 2 }, true, 1],
  ])('looks once more for what comes after the purge: %s', async (_what, row, outlives, times) => {
    const { again, steps } = purging(row, undefined, outlives);
    await steps.purge(ID);
    expect(again).toHaveLength(times);
    for (const delay of again) expect(delay).toBeGreaterThan(60_000);
  });
});
