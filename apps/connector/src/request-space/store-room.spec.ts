import { createLog, Metrics } from '@lienthong/runtime';
import { StoreRoom } from './store-room';

describe('the room in the store', () => {
  const room = ({ failing = false, late = 0, latePurges = 10 }) => {
    const asked: number[][] = [];
    const metrics = new Metrics();
    const purges = {
      look: async (seconds: number, most: number) => {
        asked.push([seconds, most]);
        return { overdueSeconds: 700, late: Math.min(late, most) };
      },
    };
    const log = createLog({ name: 'spec', level: 'silent' });
    const store = { check: async () => undefined, failing };
    return { asked, metrics, room: new StoreRoom(store, purges, { latePurges }, metrics, log) };
  };

  it('is there for more while the store answers and few purges are late', async () => {
    const { room: one, asked } = room({ late: 9 });
    await one.look();
    expect(() => one.mustTakeMore()).not.toThrow();
    expect(asked).toEqual([[600, 10]]);
  });

  it('is not while the store fails, and the metric says so', async () => {
    const { room: one, metrics } = room({ failing: true });
    expect(() => one.mustTakeMore()).toThrow(
      expect.objectContaining({ code: 'unavailable', params: { what: 'storage', retryAfter: 10 } }),
    );
    expect(await metrics.metrics()).toContain('lienthong_storage_failing 1');
  });

  it('is not while as many purges as were set are ten minutes late, and is again when they are not', async () => {
    const { room: one, metrics } = room({ late: 12 });
    await one.look();
    expect(() => one.mustTakeMore()).toThrow(
      expect.objectContaining({ code: 'overloaded', params: { what: 'purges', retryAfter: 10 } }),
    );
    expect(await metrics.metrics()).toContain('lienthong_purge_overdue_seconds 700');
    const { room: other } = room({ late: 2 });
    await other.look();
    expect(() => other.mustTakeMore()).not.toThrow();
  });

  it('is never given up for late purges where the operator has set no number', async () => {
    const { room: one } = room({ late: 1_000_000, latePurges: 0 });
    await one.look();
    expect(() => one.mustTakeMore()).not.toThrow();
  });
});
