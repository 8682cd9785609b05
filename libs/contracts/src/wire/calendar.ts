export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Where nothing else is said. */
export const VIETNAM = 'Asia/Ho_Chi_Minh';

/** Times of the day in the zone of the calendar, `HH:MM`; `to` is the first minute outside, `24:00` the end of the day. */
export interface ServiceHours {
  days: Weekday[];
  from: string;
  to: string;
}
/** Times RFC 3339. */
export interface MaintenanceWindow {
  from: string;
  to: string;
}

/** When a destination takes packets. Reminders, and attempts after a retryable rejection, wait for it; a deadline does not. */
export interface ServiceCalendar {
  /** IANA name; `Asia/Ho_Chi_Minh` where nothing is said. */
  timeZone?: string;
  /** Without any: around the clock, every day. */
  hours?: ServiceHours[];
  /** Dates in the zone of the calendar, `YYYY-MM-DD`. */
  holidays?: string[];
  maintenance?: MaintenanceWindow[];
}

export interface ServiceCalendarView {
  systemId: string;
  /** Empty while nothing is set: always open. */
  calendar: ServiceCalendar;
  open: boolean;
  /** Now, while it is open. */
  nextOpenAt: string;
  /** Null while nothing was ever set. */
  changedAt: string | null;
}
