import type { ServiceCalendar, ServiceCalendarView } from '@lienthong/contracts';
import type { Connection } from '../transport/connection';

const path = '/v1/calendar';

/** When the calling system takes packets. */
export class CalendarCalls {
  constructor(private readonly connection: Pick<Connection, 'call'>) {}

  get(): Promise<ServiceCalendarView> {
    return this.connection.call({ method: 'GET', path });
  }

  /** In place of all that was set; an empty one is always open. */
  set(body: ServiceCalendar): Promise<ServiceCalendarView> {
    return this.connection.call({ method: 'PUT', path, body, repeatable: true });
  }
}
