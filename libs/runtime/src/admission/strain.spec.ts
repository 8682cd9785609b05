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

  it('is felt once requests take a quarter longer, and no more when they do not', () => {
    pass(40, () => 20);
    expect(strain.isFelt).toBe(false);
    pass(20, () => 25);
    expect(strain.isFelt).toBe(false);
    pass(20, () => 25);
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
    jest.advanceTimersByTime(5000);
    expect(strain.isFelt).toBe(false);
  });

  it('is taken for granted for five seconds in a minute, so that what is there all the time is found out', () => {
    expect(strain.isFelt).toBe(false);
    const felt: number[] = [];
    for (let second = 0; second < 130; second += 1) {
      pass(4, () => 20);
      if (strain.isFelt) felt.push(second);
    }
    expect(felt).toEqual([0, 1, 2, 3, 4, 60, 61, 62, 63, 64, 120, 121, 122, 123, 124]);

    const beside = new Strain();
    const held: boolean[] = [];
    for (let n = 0; n < 600; n += 1) {
      jest.advanceTimersByTime(250);
      held.push(beside.isFelt);
      beside.note(held.at(-1) ? 20 : 30);
    }
    expect(held.slice(-240).filter(Boolean).length).toBeGreaterThan(80);
  });
});
