import { DatabaseClock } from './database-clock';

const HOUR = 3_600_000;
const DATABASE = Date.UTC(2026, 10, 21, 8);

describe('The clock of the database', () => {
  /** A database whose time is `time.at`, or that does not answer. */
  function clock() {
    const time: { at?: number; delayMs: number; asked: number } = { at: DATABASE, delayMs: 0, asked: 0 };
    const query = async <T>() => {
      time.asked += 1;
      if (time.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, time.delayMs));
      if (time.at === undefined) throw new Error('gone');
      return [{ at: new Date(time.at) }] as T[];
    };
    return { time, clock: new DatabaseClock({ query }) };
  }

  beforeEach(() => jest.useFakeTimers({ now: DATABASE }));
  afterEach(() => jest.useRealTimers());

  it('goes on by itself, whatever steps the clock of the process makes', async () => {
    const { clock: database } = clock();
    await database.look();
    for (const step of [HOUR, -HOUR]) {
      jest.setSystemTime(Date.now() + step);
      expect(database.now()).toBe(DATABASE);
    }
    jest.setSystemTime(DATABASE - HOUR);
    expect(database.aheadMs()).toBe(-HOUR);
    jest.setSystemTime(DATABASE);
    await jest.advanceTimersByTimeAsync(5000);
    expect(database.now()).toBe(DATABASE + 5000);
  });

  it('looks again after ten seconds, once, and follows what it sees', async () => {
    const { time, clock: database } = clock();
    await database.look();
    time.at = DATABASE + HOUR;
    await jest.advanceTimersByTimeAsync(10_001);
    expect([database.now(), database.now()]).toEqual([DATABASE + 10_001, DATABASE + 10_001]);
    await jest.advanceTimersByTimeAsync(0);
    expect(database.now()).toBe(DATABASE + HOUR);
    expect(time.asked).toBe(2);
  });

  it('is that of the process until the database was asked, and goes on while it is away', async () => {
    const { time, clock: database } = clock();
    time.at = undefined;
    jest.setSystemTime(DATABASE + HOUR);
    await database.look();
    expect([database.now(), database.aheadMs()]).toEqual([DATABASE + HOUR, 0]);
    time.at = DATABASE;
    await database.look();
    time.at = undefined;
    await jest.advanceTimersByTimeAsync(60_000);
    await database.look();
    expect(database.now()).toBe(DATABASE + 60_000);
  });

  it('does not believe an answer that was long under way', async () => {
    const { time, clock: database } = clock();
    await database.look();
    Object.assign(time, { at: DATABASE - HOUR, delayMs: 5000 });
    const looked = database.look();
    await jest.advanceTimersByTimeAsync(5000);
    await looked;
    expect(database.now()).toBe(DATABASE + 5000);
  });
});
