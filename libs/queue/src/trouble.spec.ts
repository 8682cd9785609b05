import { Trouble, within } from './trouble';

/** The pauses of failures that follow each other as fast as the pauses let them, in seconds. */
function pauses(trouble: Trouble, count: number): number[] {
  let now = 0;
  return Array.from({ length: count }, () => {
    const ms = trouble.pauseMs(now);
    now += ms;
    return ms / 1000;
  });
}

describe('Trouble', () => {
  it('pauses as long as the trouble has lasted, 1 to 30 s', () => {
    expect(pauses(new Trouble(), 8)).toEqual([1, 1, 2, 4, 8, 16, 30, 30]);
  });

  it('does not grow faster when many tasks fail at the same time', () => {
    const trouble = new Trouble();
    expect([0, 1, 2, 3].map((now) => trouble.pauseMs(now))).toEqual([1000, 1000, 1000, 1000]);
  });

  it('begins again with a second after something went well', () => {
    const trouble = new Trouble();
    pauses(trouble, 5);
    trouble.over();
    expect(trouble.pauseMs(60_000)).toBe(1000);
  });

  it('ends a pause at once when the process stops', async () => {
    const stopping = new AbortController();
    const before = Date.now();
    const waiting = new Trouble().wait(stopping.signal);
    stopping.abort();
    await waiting;
    expect(Date.now() - before).toBeLessThan(900);
  });
});

describe('within', () => {
  it('passes on what the work returns or throws', async () => {
    await expect(within(1000, 'late', Promise.resolve(7))).resolves.toBe(7);
    await expect(within(1000, 'late', Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  it('rejects with its sentence when the time is over', async () => {
    await expect(within(5, 'too late', new Promise(() => undefined))).rejects.toThrow('too late');
  });
});
