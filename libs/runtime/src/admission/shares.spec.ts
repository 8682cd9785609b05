import { Shares } from './shares';

describe('who is far ahead of all others', () => {
  let shares: Shares;
  beforeAll(() => jest.useFakeTimers());
  afterAll(() => jest.useRealTimers());
  beforeEach(() => (shares = new Shares()));

  const ask = (caller: string, times: number) => {
    for (let n = 0; n < times; n += 1) shares.note(caller);
  };
  const farAhead = (...names: string[]) => names.filter((name) => shares.isFarAhead(name));

  it('is who asks more than half as much again as the next, whoever that is', () => {
    ask('a', 10);
    ask('b', 15);
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
      expect(farAhead('a')).toEqual(second < 4 ? ['a'] : []);
      jest.advanceTimersByTime(1000);
    }
  });

  it('remembers nobody who is long gone', () => {
    for (let n = 0; n < 1000; n += 1) shares.note(`gone ${n}`);
    jest.advanceTimersByTime(200_000);
    ask('a', 3);
    ask('b', 1);
    expect(farAhead('a', 'b')).toEqual(['a']);
    expect((shares as unknown as { shares: Map<string, unknown> }).shares.size).toBe(2);
  });
});
