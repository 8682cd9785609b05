import { tableOf } from './table.mjs';
import { targetsOf } from './targets.mjs';

const side = (more = {}) => ({
  packetsPerSecond: 100,
  deliveriesPerSecond: 100,
  completionToNoticeMs: { n: 10, p50: 12, p99: 40 },
  noticeToConfirmedMs: { n: 10, p50: 20, p99: 60 },
  packets: 10,
  failed: 0,
  unpurged: 0,
  seconds: 60,
  processes: [],
  ...more,
});
const rss = (...mib) => mib.map((value, second) => [second, value]);
const app = (name, rssMiB, role = 'platform') => ({
  name,
  role,
  rssMiB,
  peakMiB: Math.max(...rssMiB.map(([, mib]) => mib)),
  cpuSecondsPer1000: 1.5,
});
const compared = (workload, ratio, processes = [app('connector', rss(100, 110, 105))]) => ({
  workload,
  title: workload,
  inFlight: 8,
  ratio,
  platform: side({ processes }),
  raw: side(),
});
const verdicts = (measured) => targetsOf({ comparisons: [], ...measured }).map(({ reached }) => reached);

describe('the targets of the benchmark', () => {
  it('stay open where a phase did not run', () => {
    expect(verdicts({})).toEqual([null, null, null, null, null, null]);
    expect(targetsOf({ comparisons: [] })[0].measured).toBe('not measured');
  });

  it('are reached at the limit itself where it says at least, and not where it says less than', () => {
    const comparisons = [compared('inline', 0.5), compared('multipart', 0.8, [app('connector', rss(250, 250, 250))])];
    const steady = side({ completionToNoticeMs: { n: 1, p50: 250, p99: 250 } });
    expect(verdicts({ comparisons, steady, full: { ratio: 0.9, fillPackets: 100_000 } })).toEqual([
      true,
      true,
      false,
      false,
      true,
      true,
    ]);
    expect(verdicts({ comparisons: [compared('inline', 0.499), compared('multipart', 0.799)] }).slice(0, 2)).toEqual([
      false,
      false,
    ]);
  });

  it('look at the worst process of the platform, and at none of the raw side or the servers', () => {
    const processes = [
      app('auth', rss(90, 90, 90)),
      app('connector', rss(100, 240, 120)),
      app('postgres', rss(900, 900, 900), 'server'),
    ];
    const [, , , highest, flat] = targetsOf({ comparisons: [compared('multipart', 1, processes)] });
    expect(highest).toMatchObject({ reached: true, measured: '240 MiB (connector)' });
    expect(flat).toMatchObject({ reached: false, measured: 'peak 100 → 120 MiB (connector)' });
  });

  it('call memory flat when its peaks grow by no more than a tenth or 16 MiB, whichever is more', () => {
    const flat = (...mib) => verdicts({ comparisons: [compared('multipart', 1, [app('x', rss(...mib))])] })[4];
    expect(flat(100, 150, 116)).toBe(true);
    expect(flat(100, 100, 117)).toBe(false);
    expect(flat(200, 200, 220)).toBe(true);
    expect(flat(200, 200, 221)).toBe(false);
  });

  it('do not let a large process that may grow hide a small one that may not', () => {
    const processes = [app('large', rss(230, 230, 250)), app('small', rss(60, 60, 79))];
    const flat = targetsOf({ comparisons: [compared('multipart', 1, processes)] })[4];
    expect(flat).toMatchObject({ reached: false, measured: 'peak 60 → 79 MiB (small)' });
  });

  it('say so when the database was filled with less than was asked', () => {
    const full = (fillPackets) => targetsOf({ comparisons: [], full: { ratio: 0.95, fillPackets } })[5].measured;
    expect([full(100_000), full(2000)]).toEqual(['0.95', '0.95 (quick: only 2000 each)']);
  });

  it('never count a p99 that nobody measured as reached', () => {
    expect(verdicts({ steady: side({ completionToNoticeMs: { n: 0, p50: null, p99: null } }) })[2]).toBe(false);
  });
});

describe('the table of the benchmark', () => {
  it('has a row per side of a workload, its processes, and every target with its verdict', () => {
    const comparisons = [compared('inline', 0.5)];
    const text = tableOf({
      platform: { name: 'embedded', versions: ['PostgreSQL 17'], raw: 'put, insert, publish' },
      machine: { node: 'v20', cores: 2, loadBefore: [0.1], loadAfter: [1.2] },
      comparisons,
      targets: targetsOf({ comparisons }),
      seconds: 61.4,
    });
    expect(text).toMatch(/^inline \(8\) +platform +100\.0 +100\.0 +12 \/ 40 +20 \/ 60 +10 +0 +0\.50$/m);
    expect(text).toMatch(/^inline +platform +connector +1\.50 +110$/m);
    expect(text).toMatch(/^platform\/raw ≥ 0\.5 on 16 KiB inline +0\.50 +reached$/m);
    expect(text).toMatch(/^notice p99 < 250 ms at 20 packets\/s +not measured +–$/m);
    expect(text).toContain('· 61 s');
  });
});
