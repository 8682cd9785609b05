import type { Balance } from '@lienthong/persistence';
import { Metrics } from '@lienthong/runtime';
import { CheckConservation } from './check-conservation';

describe('check-conservation', () => {
  const even: Balance = { begun: 10, finished: 7, live: 3, purgePending: 1, stranded: 0 };

  function checking() {
    const now = { balance: even, unaudited: 0 };
    const said: string[] = [];
    const metrics = new Metrics();
    const store = {
      balance: async () => now.balance,
      unaudited: async () => now.unaudited,
      sumUp: async () => undefined,
    };
    const log = { error: () => void said.push('error'), info: () => void said.push('info') };
    return { now, said, metrics, check: new CheckConservation(store, log, metrics) };
  }

  it('says nothing while the books balance, and shows what there is', async () => {
    const { check, said, metrics } = checking();
    expect(await check.check()).toEqual({ packets: 0, deliveries: 0, audit: 0 });
    expect(said).toEqual([]);
    expect(await metrics.metrics()).toContain('lienthong_packets{of="live"} 3');
  });

  it('tells each drift once, by its equation, and when it is over', async () => {
    const { check, now, said, metrics } = checking();
    now.balance = { ...even, live: 2, stranded: 4 };
    now.unaudited = 5;
    expect(await check.check()).toEqual({ packets: 1, deliveries: 4, audit: 5 });
    await check.check();
    expect(said).toEqual(['error']);
    expect(await metrics.metrics()).toContain('lienthong_conservation_drift{equation="packets"} 1');
    now.balance = even;
    now.unaudited = 0;
    await check.check();
    expect(said).toEqual(['error', 'info']);
    expect(await metrics.metrics()).toContain('lienthong_conservation_drift{equation="packets"} 0');
  });
});
