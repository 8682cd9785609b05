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

describe('who is far ahead of all others', () => {
  let callers: RecentCallers;
  beforeAll(() => jest.useFakeTimers());
  afterAll(() => jest.useRealTimers());
  beforeEach(() => (callers = new RecentCallers()));

  const ask = (caller: string, times: number) => {
    for (let n = 0; n < times; n += 1) callers.note(caller);
  };
  const farAhead = (...names: string[]) => names.filter((name) => callers.isFarAhead(name));

  it('is who asks more than twice as much as the next, whoever that is', () => {
    ask('a', 10);
    ask('b', 20);
    expect(farAhead('a', 'b')).toEqual([]);
    ask('b', 1);
    expect(farAhead('a', 'b')).toEqual(['b']);
    ask('c', 50);
    expect(farAhead('a', 'b', 'c')).toEqual(['c']);
    ask('a', 30);
    expect(farAhead('a', 'b', 'c')).toEqual([]);
  });

  it('is not for long who asked much at one time, beside others that go on', () => {
    ask('a', 40);
    for (let second = 0; second < 10; second += 1) {
      ask('b', 4);
      expect(farAhead('a')).toEqual(second < 3 ? ['a'] : []);
      jest.advanceTimersByTime(1000);
    }
  });

  it('remembers nobody who is long gone', () => {
    for (let n = 0; n < 1000; n += 1) callers.note(`gone ${n}`);
    jest.advanceTimersByTime(200_000);
    ask('a', 3);
    ask('b', 1);
    expect(farAhead('a', 'b')).toEqual(['a']);
    expect((callers as unknown as { counts: Map<string, unknown> }).counts.size).toBe(2);
  });
});
