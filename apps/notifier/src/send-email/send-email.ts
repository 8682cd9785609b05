import type { LadderOutcome } from '@lienthong/contracts';
import { type ClaimedEmail, type EmailOutcome, EmailStore } from '@lienthong/persistence';
import { Log } from '@lienthong/runtime';
import { Inject, Injectable } from '@nestjs/common';
import { NotifierOptions } from '../notifier.config';
import { Mailer, MailRefused } from './mailer';
import { letterOf } from './letter';

/** Longer than a server may take for one e-mail (`mailer.ts`). */
const LEASE_SECONDS = 180;
/** Pauses after attempts that failed for the time being; after the last it is given up, and the next reminder tries anew. */
const RETRY_SECONDS = [60, 300, 1800, 7200, 21_600];
/** Also counts processes that died with it: an e-mail that kills each of them is given up. */
const ATTEMPTS = 2 * (RETRY_SECONDS.length + 1);
/** Packets that an e-mail names; of others it tells how many they are. */
const LISTED = 20;
/** Where there is no mail server, nothing was tried. */
const SKIPPED: readonly EmailOutcome[] = ['needless', 'not_configured'];

const laddered = (outcome: EmailOutcome): LadderOutcome =>
  outcome === 'sent' ? 'told' : SKIPPED.includes(outcome) ? 'skipped' : 'failed';

/**
 * Sends the reminders that the ladder wrote, and tells the timelines how that went. A process that dies between the server's answer and its record sends
 * the same once more, with the same Message-ID.
 */
@Injectable()
export class SendEmail {
  constructor(
    @Inject(EmailStore) private readonly emails: Pick<EmailStore, 'claim' | 'read' | 'putOff' | 'end'>,
    @Inject(Mailer) private readonly mailer: Pick<Mailer, 'isConfigured' | 'send'>,
    @Inject(NotifierOptions) private readonly options: Pick<NotifierOptions, 'publicUrl'>,
    @Inject(Log) private readonly log: Pick<Log, 'info' | 'warn'>,
  ) {}

  /** Until nothing is due, or the server is out of reach. @param noticed hears of the deliveries of each @returns e-mails that were ended */
  async pass(signal: AbortSignal, noticed: (outcome: LadderOutcome, deliveries: number) => void): Promise<number> {
    for (let ended = 0; ;) {
      const email = signal.aborted ? undefined : await this.emails.claim(LEASE_SECONDS);
      if (!email) return ended;
      const outcome = email.outcome ?? (await this.send(email));
      if (outcome === null) return ended;
      noticed(laddered(outcome), await this.emails.end(email.id, outcome));
      ended += 1;
    }
  }

  /** @returns null when it was put off */
  private async send(email: ClaimedEmail): Promise<EmailOutcome | null> {
    if (!this.mailer.isConfigured) return 'not_configured';
    if (email.attempts > ATTEMPTS) return 'unreachable';
    const reminder = await this.emails.read(email, LISTED);
    if (!reminder) return 'needless';
    const facts = { emailId: email.id, attempt: email.attempts, packets: reminder.count };
    try {
      await this.mailer.send(letterOf(reminder, email.id, this.options.publicUrl));
      this.log.info(facts, 'reminder sent');
      return 'sent';
    } catch (error) {
      if (!(error instanceof MailRefused)) throw error;
      const { code, responseCode } = error;
      this.log.warn({ ...facts, code, responseCode }, 'a reminder could not be sent');
      const pause = error.isFinal ? undefined : RETRY_SECONDS[email.attempts - 1];
      if (pause === undefined) return responseCode === undefined ? 'unreachable' : 'refused';
      await this.emails.putOff(email.id, pause);
      return null;
    }
  }
}
