import {
  type DueReminder,
  nextOpen,
  type Place,
  ReminderStore,
  type ReminderStep,
  TimelineStore,
  Transactions,
  type Unit,
} from '@lienthong/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { SchedulerOptions } from '../scheduler.config';

const BATCH = 500;

/**
 * The rung of the ladder above stream and webhook: who has not fetched in time is reminded by an e-mail to its contact person, and again after a
 * while, within the hours of its service calendar. The e-mail is a row that commits with the step; the notifier sends it.
 */
@Injectable()
export class RemindDestination {
  constructor(
    @Inject(Transactions) private readonly transactions: Pick<Transactions, 'run'>,
    @Inject(ReminderStore)
    private readonly reminders: Pick<ReminderStore, 'due' | 'places' | 'take' | 'forgetContacts'>,
    @Inject(TimelineStore) private readonly timeline: Pick<TimelineStore, 'add'>,
    @Inject(SchedulerOptions) private readonly options: Pick<SchedulerOptions, 'ladder'>,
  ) {}

  /** @returns deliveries that were looked at */
  async pass(): Promise<number> {
    await this.reminders.forgetContacts(this.options.ladder.contactPauseSeconds);
    for (let looked = 0; ;) {
      const due = await this.transactions.run((unit) => this.step(unit));
      looked += due;
      if (due < BATCH) return looked;
    }
  }

  private async step(unit: Unit): Promise<number> {
    const { contactPauseSeconds, everySeconds, reminders: most } = this.options.ladder;
    const due = await this.reminders.due(unit, BATCH);
    if (due.length === 0) return 0;
    const now = Date.now();
    const openings = new Openings();
    const isDue = (one: DueReminder): boolean => one.reminders < most && openings.of(one, now).getTime() === now;
    const contacts = due.flatMap((one) => (isDue(one) && one.contact !== null ? [one.contact] : []));
    const places = await this.reminders.places(unit, contacts, contactPauseSeconds);
    const steps = due.map((one): ReminderStep => {
      const { deliveryId, packetId, reminders } = one;
      const id = { deliveryId, packetId };
      if (reminders >= most) return { ...id, steps: 0, nextAt: null };
      if (!isDue(one)) return { ...id, steps: 0, nextAt: openings.of(one, now) };
      const place: Place | undefined = one.contact === null ? undefined : places.get(one.contact);
      if (place?.emailId === null) return { ...id, steps: 0, nextAt: openings.of(one, place.until.getTime()) };
      const nextAt = reminders + 1 < most ? openings.of(one, now + everySeconds * 1000) : null;
      return { ...id, steps: 1, nextAt, emailId: place?.emailId };
    });
    await this.reminders.take(unit, steps);
    steps.forEach(({ deliveryId, packetId, steps: taken, nextAt, emailId }, index) => {
      if (taken === 0 || emailId !== undefined || due[index].reminders > 0) return;
      const detail = { why: 'no_contact', reminder: 1, nextReminderAt: nextAt && nextAt.toISOString() };
      this.timeline.add(unit, packetId, [{ event: 'delivery.notReminded', deliveryId, detail }]);
    });
    return due.length;
  }
}

/** Worked out once for what waits for the same system. */
class Openings {
  private readonly known = new Map<string, Date>();

  of({ systemId, calendar }: Pick<DueReminder, 'systemId' | 'calendar'>, at: number): Date {
    const key = `${systemId} ${at}`;
    const opening = this.known.get(key) ?? nextOpen(calendar, new Date(at));
    this.known.set(key, opening);
    return opening;
  }
}
