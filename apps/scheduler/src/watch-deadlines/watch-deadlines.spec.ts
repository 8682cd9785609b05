import { Metrics } from '@lienthong/runtime';
import { WatchDeadlines } from './watch-deadlines';

/** A platform with so many live deliveries, one packet each, of which so many are past their deadline. */
function watching({ live, overdue, endedBefore = 0 }: { live: number; overdue: number; endedBefore?: number }) {
  let [left, ended] = [overdue, endedBefore];
  const alarms: object[] = [];
  const metrics = new Metrics();
  const steps = new WatchDeadlines(
    { overdue: async (limit) => Array.from({ length: Math.min(limit, left) }, (_, n) => `packet ${n}`) },
    { endedLastMinute: async () => ended, live: async () => live - ended },
    { overdue: async () => ((left -= 1), (ended += 1), 1) },
    { expiry: { leastPerMinute: 300, percentPerMinute: 5 } },
    { error: (facts: unknown) => void alarms.push(facts as object) },
    metrics,
  );
  const held = async () => (await metrics.getSingleMetric('lienthong_expiry_held')!.get()).values[0].value;
  return { steps, alarms, held, left: () => left };
}

describe('watch-deadlines', () => {
  it('ends all that is overdue in one pass, batch after batch, below the bound', async () => {
    const { steps, alarms, held, left } = watching({ live: 100_000, overdue: 450 });
    expect(await steps.pass()).toBe(450);
    expect([left(), alarms, await held()]).toEqual([0, [], 0]);
  });

  it('stops at the least bound or the share of what is live, whichever is more, and raises the alarm', async () => {
    const few = watching({ live: 1000, overdue: 1000 });
    expect(await few.steps.pass()).toBe(300);
    expect([few.left(), few.alarms.length, await few.held()]).toEqual([700, 1, 1]);
    const many = watching({ live: 100_000, overdue: 100_000 });
    const ended = await many.steps.pass();
    expect(ended).toBeGreaterThan(4500);
    expect(ended).toBeLessThanOrEqual(5000);
  });

  it('counts what any process ended in the last minute', async () => {
    const { steps, alarms } = watching({ live: 1000, overdue: 10, endedBefore: 295 });
    expect(await steps.pass()).toBe(5);
    expect(alarms).toHaveLength(1);
  });
});
