import { every, type Repeating } from './every';

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

describe('every', () => {
  const said: string[] = [];
  const log = {
    error: (_fields: object | string, message?: string) => void said.push(`error ${message}`),
    info: (_fields: object | string, message?: string) => void said.push(`info ${message}`),
  };
  let timer: Repeating;
  beforeEach(() => {
    said.length = 0;
  });
  afterEach(() => timer.stop());

  it('runs again and again, never twice at the same time', async () => {
    let atOnce = 0;
    let most = 0;
    let runs = 0;
    timer = every(
      'sweep',
      1,
      async () => {
        most = Math.max(most, ++atOnce);
        timer.now();
        await new Promise((resolve) => setTimeout(resolve, 3));
        atOnce--;
        runs++;
      },
      { log },
    );
    await until(() => runs >= 5);
    expect(most).toBe(1);
  });

  it('runs at once when asked to, without waiting for the interval', async () => {
    let runs = 0;
    timer = every('sweep', 3_600_000, async () => void runs++, { log });
    timer.now();
    await until(() => runs === 1);
    timer.now();
    await until(() => runs === 2);
    expect(runs).toBe(2);
  });

  it('says an error once per outage, and its end once', async () => {
    let runs = 0;
    timer = every(
      'relay',
      1,
      async () => {
        runs++;
        if (runs <= 3 || runs === 6) throw new Error('no database');
      },
      { log },
    );
    await until(() => runs >= 8);
    expect(said).toEqual([
      'error relay failed',
      'info relay works again',
      'error relay failed',
      'info relay works again',
    ]);
  });

  it('tells the run under way to stop, waits for it, and runs no more', async () => {
    let finished = false;
    let runs = 0;
    timer = every(
      'sweep',
      1,
      async (signal) => {
        runs++;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        finished = true;
      },
      { log },
    );
    await until(() => runs === 1);
    await timer.stop();
    timer.now();
    await timer.stop();
    expect(finished).toBe(true);
    expect(runs).toBe(1);
  });
});
