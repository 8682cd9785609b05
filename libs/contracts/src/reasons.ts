/** Why a delivery was given up. */
export const UNDELIVERABLE_REASONS = [
  /** Its system was never seen since the packet was announced. */
  'never_online',
  'online_not_fetched',
  'fetched_not_confirmed',
  /** It was rejected as retryable, and the deadline came before the next attempt was taken. */
  'rejected',
  /** Its system is suspended or its agency dissolved. */
  'no_route',
  /** What was accepted is no longer whole in the store. */
  'content_lost',
] as const;
export type UndeliverableReason = (typeof UNDELIVERABLE_REASONS)[number];

/** Why a contact person was not reminded. */
export const REMINDER_FAILURES = [
  /** Neither the system nor its agency has an e-mail address on record. */
  'no_contact',
  /** The platform has no mail server. */
  'not_configured',
  /** By the mail server, for good or until it was given up. */
  'refused',
  /** No mail server answered until it was given up. */
  'unreachable',
] as const;
export type ReminderFailure = (typeof REMINDER_FAILURES)[number];

/** What the source can do: send it again, give more time, or send it to another address. */
export const REMEDIES = ['resend', 'extend', 'other_address'] as const;
export type Remedy = (typeof REMEDIES)[number];

/** Why a destination rejects; its own words go beside it. */
export const REJECTION_REASONS = [
  'wrong_addressee',
  'not_competent',
  'duplicate',
  'invalid_content',
  'missing_content',
  'unreadable',
  'signature_invalid',
  'malware',
  'outdated',
  /** Mostly of rejections that are retryable. */
  'busy',
  'maintenance',
  'disk_full',
  'other',
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** How often something was tried or happened, and when. */
export interface Tried {
  count: number;
  first: string | null;
  last: string | null;
}

/** What was tried with a delivery that was given up. */
export interface DeliveryHistory {
  announcements: Tried;
  /** Streams of its system since the delivery was made, and those that were open then. */
  connections: Tried;
  /** Its last poll of events, if there was one since then. */
  polledAt: string | null;
  /** E-mails to its contact person; not on what was given up before there were any. */
  reminders?: Tried;
  fetches: Tried;
  rejections: Tried;
  /** Confirmations with other digests than those of the content. */
  mismatches: Tried;
}
