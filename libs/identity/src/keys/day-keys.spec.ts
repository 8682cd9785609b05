import { SecretBox } from '../access-keys/secret-box';
import { DAY_KEYS } from '../access-keys/ask-auth';
import { isLive, LocalDayKeys, RemoteDayKeys } from './day-keys';
import { SessionKeys } from './session-keys';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const box = new SecretBox(Buffer.alloc(32, 1));

function roots() {
  let sealed: Buffer | undefined;
  return { current: async (make: () => Buffer) => (sealed ??= make()) };
}

describe('day keys', () => {
  it('differ from day to day, and are the same in every process that holds the master key', async () => {
    const shared = roots();
    const [one, two] = [new LocalDayKeys(shared, box, () => NOON), new LocalDayKeys(shared, box, () => NOON)];
    expect(await one.of('2026-11-20')).toEqual(await two.of('2026-11-20'));
    expect(await one.of('2026-11-20')).not.toEqual(await one.of('2026-11-19'));
  });

  it('are given out for days whose sessions may be alive, no others', async () => {
    const keys = new LocalDayKeys(roots(), box, () => NOON);
    await expect(keys.of('2026-11-18')).rejects.toMatchObject({ code: 'session_expired' });
    await expect(keys.of('2026-11-21')).rejects.toMatchObject({ code: 'session_expired' });
    expect(isLive('2026-11-21', Date.parse('2026-11-20T23:56:00Z'))).toBe(true);
    expect(isLive('2026-11-19', Date.parse('2026-11-20T23:59:59Z'))).toBe(true);
  });

  it('are asked for once a day, and again after nobody answered', async () => {
    const asked: unknown[] = [];
    let away = true;
    const auth = {
      ask: async <T>(path: string, question: object, read: (answer: unknown) => T | undefined): Promise<T> => {
        asked.push([path, question]);
        if (away) throw new Error('away');
        return read({ key: Buffer.alloc(32, 5).toString('base64url') })!;
      },
    };
    const keys = new RemoteDayKeys(auth, () => NOON);
    await expect(keys.of('2026-11-20')).rejects.toThrow('away');
    away = false;
    expect(await keys.of('2026-11-20')).toEqual(Buffer.alloc(32, 5));
    expect(await keys.of('2026-11-20')).toEqual(Buffer.alloc(32, 5));
    expect(asked).toEqual(Array.from({ length: 2 }, () => [DAY_KEYS, { day: '2026-11-20' }]));
    await expect(keys.of('2026-11-18')).rejects.toMatchObject({ code: 'session_expired' });
    expect(asked).toHaveLength(2);
  });

  it('make the key of a session by the day in its id', async () => {
    const days: string[] = [];
    const keys = new SessionKeys({ of: async (day) => (days.push(day), Buffer.from(day)) });
    // 2026-11-20T12:00:00Z in the first 48 bits
    const time = NOON.toString(16).padStart(12, '0');
    const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000001`;
    expect(await keys.of(id)).toMatch(/^[\w-]{43}$/);
    expect(days).toEqual(['2026-11-20']);
    expect(await keys.of(id)).not.toBe(await keys.of(id.replace(/1$/, '2')));
  });
});
