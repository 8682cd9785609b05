import { type ServiceCalendar, type ServiceHours, type Weekday, WEEKDAYS } from '@lienthong/contracts';
import type { CliContext } from '../../terminal/cli-context';
import { UsageError } from '../../terminal/failure';

export interface CalendarFlags {
  hours?: string[];
  holiday?: string[];
  maintenance?: string[];
  timeZone?: string;
}

/** @throws UsageError for what cannot be read; what is no time or date is for the platform to say */
export function calendarOf(cli: Pick<CliContext, 'say'>, flags: CalendarFlags): ServiceCalendar {
  const { hours, holiday, maintenance, timeZone } = flags;
  return {
    ...(timeZone && { timeZone }),
    ...(hours && { hours: hours.flatMap((text) => hoursOf(cli, text)) }),
    ...(holiday && { holidays: holiday }),
    ...(maintenance && { maintenance: maintenance.map((text) => windowOf(cli, text)) }),
  };
}

/** `mon-fri=07:30-11:30,13:30-17:00` */
function hoursOf({ say }: Pick<CliContext, 'say'>, text: string): ServiceHours[] {
  const [days, times] = text.split('=').map((side) => side.split(',').map((one) => one.split('-')));
  const named = days.flatMap(([first, last = first]) => daysBetween(first, last));
  if (!times || named.includes(undefined) || times.some(({ length }) => length !== 2))
    throw new UsageError(
      say(
        `Không đọc được giờ phục vụ ${text}; ví dụ: mon-fri=07:30-11:30,13:30-17:00`,
        `Cannot read the hours ${text}; an example: mon-fri=07:30-11:30,13:30-17:00`,
      ),
    );
  return times.map(([from, to]) => ({ days: named as Weekday[], from, to }));
}

function daysBetween(first: string, last: string): (Weekday | undefined)[] {
  const [from, to] = [first, last].map((day) => WEEKDAYS.findIndex((one) => one === day));
  return from < 0 || to < from ? [undefined] : WEEKDAYS.slice(from, to + 1);
}

/** `<from>/<to>`, as ISO 8601 writes an interval; seconds may be left out. */
function windowOf({ say }: Pick<CliContext, 'say'>, text: string): { from: string; to: string } {
  const [from, to, ...rest] = text.split('/').map((time) => time.replace(/(T\d\d:\d\d)(?=Z|[+-])/, '$1:00'));
  if (!from || !to || rest.length > 0)
    throw new UsageError(
      say(
        `Không đọc được khoảng bảo trì ${text}; ví dụ: 2026-12-05T18:00+07:00/2026-12-06T06:00+07:00`,
        `Cannot read the maintenance ${text}; an example: 2026-12-05T18:00+07:00/2026-12-06T06:00+07:00`,
      ),
    );
  return { from, to };
}
