import { type ServiceCalendar, type ServiceHours, VIETNAM, WEEKDAYS } from '@lienthong/contracts';

const DAY_MS = 86_400_000;
/** A calendar that is closed for longer than this holds nothing up. */
const DAYS = 370;
const AROUND_THE_CLOCK: ServiceHours[] = [{ days: [...WEEKDAYS], from: '00:00', to: '24:00' }];

/**
 * The first moment from `at` on at which a destination is open. Hours and holidays are those of the calendar's own zone, also on the days on which
 * its clocks change.
 * @returns `at` itself while it is open, and for a calendar that does not open within a year
 */
export function nextOpen(calendar: ServiceCalendar, at: Date): Date {
  const last = at.getTime() + DAYS * DAY_MS;
  for (let moment = at.getTime(); moment < last;) {
    const next = endOfMaintenance(calendar, moment) ?? nextHours(calendar, moment);
    if (next === moment) return new Date(moment);
    moment = next;
  }
  return at;
}

/** @returns undefined when there is no maintenance at this moment */
function endOfMaintenance({ maintenance = [] }: ServiceCalendar, moment: number): number | undefined {
  return maintenance
    .map(({ from, to }) => ({ from: Date.parse(from), to: Date.parse(to) }))
    .find(({ from, to }) => from <= moment && moment < to)?.to;
}

/** The first moment from this one on within the hours; `Infinity` when there is none in `DAYS`. */
function nextHours(calendar: ServiceCalendar, moment: number): number {
  if (!calendar.hours && !calendar.holidays?.length) return moment;
  const zone = calendar.timeZone ?? VIETNAM;
  if (isWithinHours(calendar, zone, moment)) return moment;
  const today = Date.parse(wallOf(zone, moment).date);
  for (let n = 0; n <= DAYS; n++) {
    const date = new Date(today + n * DAY_MS).toISOString().slice(0, 10);
    const hours = hoursOn(calendar, date);
    const isOpen = (one: number): boolean => {
      const wall = wallOf(zone, one);
      // The moment of a change may be one of the next day, which may have opened before it.
      return wall.date === date && isWithin(hours, wall.time);
    };
    const opens = hours.flatMap(({ from }) => momentsOf(zone, date, from)).filter((one) => one > moment && isOpen(one));
    if (opens.length > 0) return Math.min(...opens);
  }
  return Infinity;
}

function isWithinHours(calendar: ServiceCalendar, zone: string, moment: number): boolean {
  const { date, time } = wallOf(zone, moment);
  return isWithin(hoursOn(calendar, date), time);
}

const isWithin = (hours: ServiceHours[], time: string): boolean =>
  hours.some(({ from, to }) => from <= time && time < to);

/** @param date of the wall clock, `YYYY-MM-DD` */
function hoursOn({ hours = AROUND_THE_CLOCK, holidays = [] }: ServiceCalendar, date: string): ServiceHours[] {
  if (holidays.includes(date)) return [];
  const weekday = WEEKDAYS[(new Date(date).getUTCDay() + 6) % 7];
  return hours.filter(({ days }) => days.includes(weekday));
}

const CLOCKS = new Map<string, Intl.DateTimeFormat>();

/** What a clock on the wall shows: `2026-11-20` and `08:02`. */
function wallOf(zone: string, moment: number): { date: string; time: string } {
  let clock = CLOCKS.get(zone);
  if (!clock) {
    const digits = '2-digit';
    clock = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: digits,
      day: digits,
      hour: digits,
      minute: digits,
    });
    CLOCKS.set(zone, clock);
  }
  const part = Object.fromEntries(clock.formatToParts(moment).map(({ type, value }) => [type, value]));
  return { date: `${part.year}-${part.month}-${part.day}`, time: `${part.hour}:${part.minute}` };
}

/** How far the wall is ahead of UTC, ms. */
function aheadOf(zone: string, moment: number): number {
  const minute = Math.floor(moment / 60_000) * 60_000;
  const { date, time } = wallOf(zone, minute);
  return Date.parse(`${date}T${time}Z`) - minute;
}

/**
 * Moments at which the wall may begin to show this time or a later one: one, but for the days on which the clocks change. Then the time may come twice, or
 * is jumped over: the moment of the change is one of them.
 */
function momentsOf(zone: string, date: string, time: string): number[] {
  const wall = Date.parse(`${date}T${time}Z`);
  const [before, after] = [aheadOf(zone, wall - DAY_MS), aheadOf(zone, wall + DAY_MS)];
  if (before === after) return [wall - before];
  let [low, high] = [wall - DAY_MS, wall + DAY_MS];
  while (high - low > 60_000) {
    const middle = low + Math.floor((high - low) / 120_000) * 60_000;
    if (aheadOf(zone, middle) === before) low = middle;
    else high = middle;
  }
  return [wall - before, wall - after, high];
}
