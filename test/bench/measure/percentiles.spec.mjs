import { p50p99, percentile } from './percentiles.mjs';

describe('percentiles of the benchmark', () => {
  it('are values that were measured, by the nearest rank, whatever the order', () => {
    const values = [50, 15, 40, 20, 35];
    expect([5, 30, 40, 50, 100].map((p) => percentile(values, p))).toEqual([15, 20, 20, 35, 50]);
    expect(values).toEqual([50, 15, 40, 20, 35]);
  });

  it('take the worst of up to a hundred values for p99, and leave one in two hundred out', () => {
    const upTo = (n) => Array.from({ length: n }, (_, i) => i + 1);
    expect(p50p99(upTo(50))).toEqual({ n: 50, p50: 25, p99: 50 });
    expect(p50p99(upTo(100))).toEqual({ n: 100, p50: 50, p99: 99 });
    expect(p50p99(upTo(200)).p99).toBe(198);
  });

  it('compare as numbers, not as texts', () => {
    expect(percentile([9, 10, 100], 50)).toBe(10);
  });

  it('say nothing where nothing was measured', () => {
    expect(p50p99([])).toEqual({ n: 0, p50: null, p99: null });
  });
});
