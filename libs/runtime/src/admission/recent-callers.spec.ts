import { RecentCallers } from './recent-callers';

describe('who else is there', () => {
  beforeAll(() => jest.useFakeTimers());
  afterAll(() => jest.useRealTimers());

  it('is whoever called within the last ten seconds, however often the caller itself did since', () => {
    const callers = new RecentCallers();
    callers.note('a');
    expect([callers.othersThan('a'), callers.othersThan('b')]).toEqual([false, true]);
    callers.note('b');
    jest.advanceTimersByTime(6000);
    for (let n = 0; n < 3; n += 1) callers.note('a');
    expect([callers.othersThan('a'), callers.othersThan('b')]).toEqual([true, true]);
    jest.advanceTimersByTime(5000);
    expect([callers.othersThan('a'), callers.othersThan('b'), callers.othersThan('c')]).toEqual([false, true, true]);
    jest.advanceTimersByTime(5000);
    expect(callers.othersThan('c')).toBe(false);
  });
});
