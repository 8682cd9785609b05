import { Strain } from './strain';

describe('strain', () => {
  let strain: Strain;
  beforeAll(() => jest.useFakeTimers());
  afterAll(() => jest.useRealTimers());
  beforeEach(() => (strain = new Strain()));

  /** So many requests, four a second. */
  const pass = (count: number, tookMs: (n: number) => number) => {
    for (let n = 0; n < count; n += 1) {
      jest.advanceTimersByTime(250);
      strain.note(tookMs(n));
    }
  };

  it('is felt once requests take half as long again, and no more when they do not', () => {
    pass(40, () => 20);
    expect(strain.isFelt).toBe(false);
    pass(4, () => 30);
    expect(strain.isFelt).toBe(false);
    pass(20, () => 30);
    expect(strain.isFelt).toBe(true);
    pass(20, () => 20);
    expect(strain.isFelt).toBe(false);
  });

  it('is not felt because of one that takes long, nor where requests differ by half all the time', () => {
    pass(40, () => 20);
    pass(1, () => 60_000);
    expect(strain.isFelt).toBe(false);
    pass(200, (n) => (n % 2 ? 10 : 30));
    expect(strain.isFelt).toBe(false);
  });

  it('is not felt any more after two minutes of what has become slower for good', () => {
    pass(40, () => 20);
    pass(240, () => 40);
    expect(strain.isFelt).toBe(true);
    pass(240, () => 40);
    expect(strain.isFelt).toBe(false);
  });

  it('is not felt for what was before a long pause', () => {
    pass(40, () => 20);
    jest.advanceTimersByTime(300_000);
    pass(40, () => 40);
    expect(strain.isFelt).toBe(false);
  });

  it('is not felt by a handful of requests', () => {
    pass(1, () => 5);
    pass(14, () => 50);
    expect(strain.isFelt).toBe(false);
  });
});
