import type { LadderOutcome } from '@lienthong/contracts';
import {
  type DueReminder,
  isoOrNull,
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
/** Deliveries of one contact that a pass deals with: no e-mail tells of more, and what is beyond them waits for the next reminder. */
const OF_A_CONTACT = 5000;

type Noticed = (outcome: LadderOutcome, deliveries: number) => void;

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

  /** @param noticed hears how many were reminded, have nobody to be written to, or wait longer @returns deliveries that were looked at */
  async pass(noticed: Noticed = () => undefined): Promise<number> {
    await this.reminders.forgetContacts(this.options.ladder.contactPauseSeconds);
    const seen = new Map<string, number>();
    for (let looked = 0; ;) {
      const outcomes = await this.transactions.run((unit) => this.step(unit, seen));
      for (const outcome of outcomes) noticed(outcome, 1);
      looked += outcomes.length;
      if (outcomes.length < BATCH) return looked;
    }
  }

  /** @param seen deliveries of each contact in this pass */
  private async step(unit: Unit, seen: Map<string, number>): Promise<LadderOutcome[]> {
    const due = await this.reminders.due(unit, BATCH);
    if (due.length === 0) return [];
    const look = new Look(due[0].now.getTime());
    const contacts = due.filter((one) => this.mayBeReminded(one, look, seen)).flatMap(({ contact }) => contact ?? []);
    const places = await this.reminders.places(unit, contacts, this.options.ladder.contactPauseSeconds);
    const steps = due.map((one) => ({ ...this.stepOf(one, look, seen, places), ...idsOf(one) }));
    await this.reminders.take(unit, steps);
    due.forEach(({ contact, reminders, packetId, deliveryId }, index) => {
      const { steps: taken, nextAt } = steps[index];
      // That nobody can be written to is said once.
      if (contact !== null || taken === 0 || reminders > 0) return;
      const detail = { why: 'no_contact', reminder: 1, nextReminderAt: isoOrNull(nextAt) };
      this.timeline.add(unit, packetId, [{ event: 'delivery.notReminded', deliveryId, detail }]);
    });
    return steps.map(({ steps: taken, emailId }) => (taken === 0 ? 'skipped' : emailId ? 'told' : 'failed'));
  }

  private mayBeReminded(one: DueReminder, look: Look, seen: Map<string, number>): boolean {
    return (
      one.reminders < this.options.ladder.reminders &&
      look.isOpen(one) &&
      (seen.get(one.contact ?? '') ?? 0) < OF_A_CONTACT
    );
  }

  private stepOf(
    one: DueReminder,
    look: Look,
    seen: Map<string, number>,
    places: Map<string, Place>,
  ): Pick<ReminderStep, 'steps' | 'nextAt' | 'emailId'> {
    const { everySeconds, reminders: most } = this.options.ladder;
    if (one.reminders >= most) return { steps: 0, nextAt: null };
    if (!look.isOpen(one)) return { steps: 0, nextAt: look.opening(one) };
    const following = look.opening(one, look.now + everySeconds * 1000);
    if (!this.mayBeReminded(one, look, seen)) return { steps: 0, nextAt: following };
    const place = one.contact === null ? undefined : places.get(one.contact);
    if (one.contact !== null) seen.set(one.contact, (seen.get(one.contact) ?? 0) + 1);
    if (place?.emailId === null) return { steps: 0, nextAt: look.opening(one, place.until.getTime()) };
    return { steps: 1, nextAt: one.reminders + 1 < most ? following : null, emailId: place?.emailId };
  }
}

const idsOf = ({ deliveryId, packetId }: DueReminder) => ({ deliveryId, packetId });

/** The calendars at one moment, which is the database's: worked out once for what waits for the same system. */
class Look {
  private readonly known = new Map<string, Date>();

  constructor(readonly now: number) {}

  isOpen(one: DueReminder): boolean {
    return this.opening(one).getTime() === this.now;
  }

  opening({ systemId, calendar }: Pick<DueReminder, 'systemId' | 'calendar'>, at = this.now): Date {
    const key = `${systemId} ${at}`;
    const opening = this.known.get(key) ?? nextOpen(calendar, new Date(at));
    this.known.set(key, opening);
    return opening;
  }
}
