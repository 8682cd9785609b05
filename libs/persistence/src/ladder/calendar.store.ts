import type { ServiceCalendar, ServiceCalendarView } from '@lienthong/contracts';
import { auditRecord } from '../audit/audit-record';
import { iso, isoOrNull } from '../times';
import type { Transactions, Unit } from '../transactions';
import { nextOpen } from './next-open';

/** The service calendars of destinations. A system of which nothing was ever said is always open. */
export class CalendarStore {
  constructor(private readonly transactions: Transactions) {}

  async of(systemId: string, on: Pick<Unit, 'query'> = this.transactions): Promise<ServiceCalendar> {
    const [row] = await on.query<{ calendar: ServiceCalendar | null }>('SELECT calendar FROM systems WHERE id = $1', [
      systemId,
    ]);
    return row?.calendar ?? {};
  }

  async view(systemId: string): Promise<ServiceCalendarView> {
    const [row] = await this.transactions.query<{ calendar: ServiceCalendar | null; changedAt: Date | null }>(
      'SELECT calendar, calendar_changed_at AS "changedAt" FROM systems WHERE id = $1',
      [systemId],
    );
    return viewOf(systemId, row?.calendar ?? {}, row?.changedAt ?? null);
  }

  /** Takes the place of what was set before. Reminders that wait already go by it from their next look on. */
  async set(systemId: string, calendar: ServiceCalendar): Promise<ServiceCalendarView> {
    return this.transactions.run(async (unit) => {
      const [row] = await unit.query<{ changedAt: Date }>(
        'UPDATE systems SET calendar = $2, calendar_changed_at = now() WHERE id = $1 RETURNING calendar_changed_at AS "changedAt"',
        [systemId, JSON.stringify(calendar)],
      );
      unit.records.audit.push(auditRecord({ action: 'calendar.changed', subject: systemId, detail: { ...calendar } }));
      return viewOf(systemId, calendar, row.changedAt);
    });
  }
}

function viewOf(systemId: string, calendar: ServiceCalendar, changedAt: Date | null): ServiceCalendarView {
  const now = new Date();
  const next = nextOpen(calendar, now);
  return {
    systemId,
    calendar,
    open: next.getTime() === now.getTime(),
    nextOpenAt: iso(next),
    changedAt: isoOrNull(changedAt),
  };
}
