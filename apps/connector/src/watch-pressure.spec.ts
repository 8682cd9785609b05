import { createLog, Metrics } from '@lienthong/runtime';
import { urgencyOf } from './urgency';
import { WatchPressure } from './watch-pressure';

const watching = (over: Partial<Record<'wait' | 'rows' | 'turns' | 'overdue', number>>, metrics = new Metrics()) => {
  const pool = { poolWaitMs: async () => over.wait ?? 0 };
  const outbox = {
    atLeast: async (rows: number) => (over.rows ?? 0) >= rows,
    overdueSeconds: async () => over.overdue ?? 0,
  };
  const turns = { atLeast: async (packets: number) => (over.turns ?? 0) >= packets };
  const log = createLog({ name: 'spec', level: 'silent' });
  return new WatchPressure({ watch: () => undefined }, pool, outbox, turns, log, metrics);
};

describe('what the connector looks at before it takes more work', () => {
  it.each([
    [100, 0],
    [300, 1],
    [600, 2],
  ])('a place in the database pool that is waited for %i ms is pressure %i', async (wait, pressure) => {
    expect(await watching({ wait }).pool()).toBe(pressure);
  });

  it.each([
    [49_999, 0],
    [50_000, 1],
    [100_000, 2],
  ])('%i tasks that the broker has not taken are pressure %i', async (rows, pressure) => {
    expect(await watching({ rows }).backlog()).toBe(pressure);
  });

  it.each([
    [49_999, 0],
    [50_000, 1],
    [100_000, 2],
  ])('%i packets that wait for their turn are pressure %i', async (turns, pressure) => {
    expect(await watching({ turns }).backlog()).toBe(pressure);
  });

  it.each([
    [60, 0],
    [61, 1],
    [100_000, 1],
  ])(
    'a task that no relay has tried for %i s is pressure %i, and the metric tells its age',
    async (overdue, pressure) => {
      const metrics = new Metrics();
      expect(await watching({ overdue }, metrics).backlog()).toBe(pressure);
      expect(await metrics.metrics()).toContain(`lienthong_outbox_overdue_seconds ${overdue}`);
    },
  );

  it('tasks enough to refuse everything are not less because one of them is old', async () => {
    expect(await watching({ rows: 100_000, overdue: 61 }).backlog()).toBe(2);
  });

  it.each([
    ['POST', '/v1/packets', 'new'],
    ['POST', '/v1/packets/p/complete', 'rest'],
    ['POST', '/v1/packets/p/space', 'rest'],
    ['POST', '/v1/deliveries/d/confirm', 'rest'],
    ['PUT', '/storage/packets/p/0', 'rest'],
    ['GET', '/storage/packets/p/0', 'rest'],
    ['GET', '/v1/events', 'polling'],
    ['GET', '/v1/events?after=3&waitSeconds=0', 'polling'],
    ['GET', '/v1/events?after=3&waitSeconds=25', 'waiting'],
    ['GET', '/v1/deliveries', 'polling'],
    ['GET', '/v1/deliveries/d', 'rest'],
    ['GET', '/v1/packets', 'reading'],
    ['GET', '/v1/packets/p', 'reading'],
  ])('%s %s is %s', (method, url, urgency) =>
    expect(urgencyOf({ method, url, path: url.split('?', 1)[0] })).toBe(urgency),
  );
});
