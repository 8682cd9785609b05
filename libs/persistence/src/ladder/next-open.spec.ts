import { type ServiceCalendar, WEEKDAYS } from '@lienthong/contracts';
import * as fc from 'fast-check';
import { nextOpen } from './next-open';

const WORK = ['mon', 'tue', 'wed', 'thu', 'fri'] as const;
/** Office hours of a Vietnamese agency. */
const OFFICE: ServiceCalendar = {
  hours: [
    { days: [...WORK], from: '07:30', to: '11:30' },
    { days: [...WORK], from: '13:30', to: '17:00' },
  ],
};
const opens = (calendar: ServiceCalendar, at: string): string => nextOpen(calendar, new Date(at)).toISOString();

const CLOCKS = new Map<string, Intl.DateTimeFormat>();
const clockOf = (timeZone: string): Intl.DateTimeFormat => {
  const form = new Intl.DateTimeFormat('en-GB', { timeZone, dateStyle: 'full', timeStyle: 'short' });
  CLOCKS.set(timeZone, form);
  return form;
};
const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/** Written anew from what a calendar means; shares nothing with the program. */
function isOpen({ timeZone = 'Asia/Ho_Chi_Minh', hours, holidays, maintenance }: ServiceCalendar, at: Date): boolean {
  if (maintenance?.some(({ from, to }) => new Date(from) <= at && at < new Date(to))) return false;
  const told = (CLOCKS.get(timeZone) ?? clockOf(timeZone)).format(at);
  const [, day, date, month, year, time] = /^(\w+)\D+(\d+) (\w+) (\d+)\D+([\d:]+)$/.exec(told) ?? [];
  const number = String(MONTHS.indexOf(month.slice(0, 3)) / 3 + 1).padStart(2, '0');
  if (holidays?.includes(`${year}-${number}-${date.padStart(2, '0')}`)) return false;
  const isToday = (one: string): boolean => day.toLowerCase().startsWith(one);
  return !hours || hours.some(({ days, from, to }) => days.some(isToday) && from <= time && time < to);
}

const MINUTE = 60_000;
const minuteOfYear = fc.integer({ min: 0, max: 4 * 366 * 24 * 60 });
const momentOf = (minute: number): string => new Date(Date.UTC(2026, 0, 1) + minute * MINUTE).toISOString();
const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
const hours = fc
  .tuple(
    fc.subarray([...WEEKDAYS], { minLength: 1 }),
    fc.integer({ min: 0, max: 1438 }),
    fc.integer({ min: 1, max: 1440 }),
  )
  .map(([days, from, length]) => ({ days, from: clock(from), to: clock(Math.min(from + length, 1440)) }));
const calendars = fc.record(
  {
    timeZone: fc.constantFrom('Asia/Ho_Chi_Minh', 'UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
    hours: fc.array(hours, { minLength: 1, maxLength: 3 }),
    holidays: fc.array(
      minuteOfYear.map((minute) => momentOf(minute).slice(0, 10)),
      { maxLength: 4 },
    ),
    maintenance: fc.array(
      fc.tuple(minuteOfYear, fc.integer({ min: 1, max: 4000 })).map(([from, length]) => ({
        from: momentOf(from),
        to: momentOf(from + length),
      })),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: [] },
);
/** Half of them about the days on which the clocks of these zones change. */
const moments = fc.oneof(
  minuteOfYear.map((minute) => new Date(momentOf(minute))),
  fc
    .tuple(
      fc.constantFrom('2026-03-08', '2026-03-29', '2026-04-04', '2026-10-03', '2026-10-25', '2026-11-01'),
      fc.integer({ min: -1440, max: 2880 }),
    )
    .map(([day, minute]) => new Date(Date.parse(day) + minute * MINUTE)),
);

describe('the next moment at which a destination is open', () => {
  it.each([
    ['2026-11-20T08:00:00+07:00', '2026-11-20T08:00:00+07:00', 'at once within the hours'],
    ['2026-11-20T06:00:00+07:00', '2026-11-20T07:30:00+07:00', 'the same morning'],
    ['2026-11-20T11:30:00+07:00', '2026-11-20T13:30:00+07:00', 'after lunch, whose first minute is outside'],
    ['2026-11-20T17:00:00+07:00', '2026-11-23T07:30:00+07:00', 'on Monday, after a Friday evening'],
  ])('%s → %s: %s', (at, next) => {
    expect(opens(OFFICE, at)).toBe(new Date(next).toISOString());
  });

  it('is after the holidays and after the maintenance', () => {
    const holidays = ['2026-09-01', '2026-09-02'];
    expect(opens({ ...OFFICE, holidays }, '2026-08-31T18:00:00+07:00')).toBe('2026-09-03T00:30:00.000Z');
    expect(opens({ holidays }, '2026-09-01T05:00:00+07:00')).toBe('2026-09-02T17:00:00.000Z');
    const maintenance = [{ from: '2026-11-20T01:00:00Z', to: '2026-11-20T10:30:00Z' }];
    expect(opens({ maintenance }, '2026-11-20T02:00:00Z')).toBe('2026-11-20T10:30:00.000Z');
    expect(opens({ ...OFFICE, maintenance }, '2026-11-20T02:00:00Z')).toBe('2026-11-23T00:30:00.000Z');
  });

  it('is now where nothing is said, and where a year brings no opening', () => {
    const at = '2026-11-20T02:00:00.123Z';
    expect(opens({}, at)).toBe(at);
    const never = [{ from: '2026-01-01T00:00:00Z', to: '2030-01-01T00:00:00Z' }];
    expect(opens({ maintenance: never }, at)).toBe(at);
  });

  it('waits for a time that the clocks jump over until the jump', () => {
    const night = { timeZone: 'Europe/Berlin', hours: [{ days: ['sun' as const], from: '02:30', to: '04:00' }] };
    expect(opens(night, '2026-03-28T23:00:00Z')).toBe('2026-03-29T01:00:00.000Z');
  });

  it('is the opening of a day, not the change of the clocks later on it', () => {
    const short = { days: ['sat' as const, 'sun' as const], from: '00:00', to: '00:01' };
    const howe = { timeZone: 'Australia/Lord_Howe', hours: [{ ...short, days: ['sun' as const], to: '01:31' }, short] };
    expect(opens(howe, '2026-04-04T00:00:00Z')).toBe('2026-04-04T13:00:00.000Z');
  });

  it('is open, is no earlier than asked, and nothing before it is open (whatever the calendar)', () => {
    fc.assert(
      fc.property(calendars, moments, (calendar, at) => {
        const next = nextOpen(calendar, at);
        expect(next.getTime()).toBeGreaterThanOrEqual(at.getTime());
        expect(isOpen(calendar, next)).toBe(true);
        // Every minute of the last hours before it, and a sample of all before those.
        const between = next.getTime() - at.getTime();
        const looks = [
          ...Array.from({ length: 300 }, (_, n) => next.getTime() - (n + 1) * MINUTE),
          ...Array.from({ length: 200 }, (_, n) => at.getTime() + Math.floor((between * n) / 200 / MINUTE) * MINUTE),
        ].filter((look) => look >= at.getTime() && look < next.getTime());
        expect(looks.filter((look) => isOpen(calendar, new Date(look))).map((look) => new Date(look))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('is itself its next opening', () => {
    fc.assert(
      fc.property(calendars, moments, (calendar, at) => {
        const next = nextOpen(calendar, at);
        expect(nextOpen(calendar, next)).toEqual(next);
      }),
    );
  });
});
