import { type ServiceCalendar, type ServiceCalendarView, VIETNAM } from '@lienthong/contracts';
import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { adminOf } from '../admin/admin';
import { calendarOf, type CalendarFlags } from './calendar-flags';

/** When this system takes packets. */
export function ownCalendarCommand(cli: CliContext): Command {
  const calendar = described(cli, 'calendar');
  calendar
    .command('show')
    .description(cli.say('Xem', 'Show'))
    .action(async () => print(cli, await (await cli.client()).calendar.get()));
  withCalendarFlags(cli, calendar.command('set')).action(async (flags: CalendarFlags) => {
    print(cli, await (await cli.client()).calendar.set(calendarOf(cli, flags)));
  });
  return calendar;
}

/** When any system takes packets, for administrators. */
export function adminCalendarCommand(cli: CliContext): Command {
  const { say } = cli;
  const calendar = described(cli, 'calendar');
  const system = say('mã hệ thống (H01.14/qlvb)', 'system id (H01.14/qlvb)');
  calendar
    .command('show')
    .description(say('Xem', 'Show'))
    .argument('<id>', system)
    .action(async (id: string) => print(cli, await (await adminOf(cli)).calendars.get(id)));
  withCalendarFlags(cli, calendar.command('set'))
    .argument('<id>', system)
    .action(async (id: string, flags: CalendarFlags) => {
      print(cli, await (await adminOf(cli)).calendars.set(id, calendarOf(cli, flags)));
    });
  return calendar;
}

const described = ({ say }: CliContext, name: string): Command =>
  new Command(name).description(
    say('Lịch phục vụ: giờ làm việc, ngày nghỉ, bảo trì', 'Service calendar: hours, holidays, maintenance'),
  );

const withCalendarFlags = ({ say }: CliContext, command: Command): Command =>
  command
    .description(
      say('Đặt thay cho toàn bộ lịch cũ; không có tùy chọn nào là luôn phục vụ', 'Set, in place of all that was set'),
    )
    .option('--hours <days=times...>', say('giờ phục vụ (mon-fri=07:30-11:30,13:30-17:00)', 'service hours'))
    .option('--holiday <date...>', say('ngày nghỉ (2027-01-01)', 'days without service (2027-01-01)'))
    .option('--maintenance <from/to...>', say('bảo trì (2026-12-05T18:00+07:00/2026-12-06T06:00+07:00)', 'maintenance'))
    .option('--time-zone <zone>', say(`múi giờ (${VIETNAM})`, `time zone (${VIETNAM})`));

function print({ out, say }: CliContext, view: ServiceCalendarView): void {
  out.result(view, () => [
    out.style('bold', view.systemId),
    ...linesOf(view.calendar),
    view.open
      ? say('  đang trong giờ phục vụ', '  open now')
      : say(`  phục vụ lại lúc ${out.time(view.nextOpenAt)}`, `  opens at ${out.time(view.nextOpenAt)}`),
  ]);
}

const linesOf = ({ timeZone, hours = [], holidays = [], maintenance = [] }: ServiceCalendar): string[] => [
  ...(timeZone ? [`  ${timeZone}`] : []),
  ...hours.map(({ days, from, to }) => `  ${days.join(' ')}  ${from}–${to}`),
  ...(holidays.length > 0 ? [`  ✕ ${holidays.join(' ')}`] : []),
  ...maintenance.map(({ from, to }) => `  ⚙ ${from} – ${to}`),
];
