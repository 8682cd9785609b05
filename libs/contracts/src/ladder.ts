/**
 * How a destination is told, one step after the other (issue "Scheduling"): its stream, its webhook, an e-mail to its contact person, the next reminder.
 * Counted in deliveries: `skipped` is what the step left to a later one, or to nobody.
 */
export const LADDER_OUTCOMES = ['told', 'failed', 'skipped'] as const;
export type LadderOutcome = (typeof LADDER_OUTCOMES)[number];

/** By the app that takes the step: scheduler for `reminder`, notifier for the others. No label names a system: there are thousands. */
export const LADDER_COUNTER = {
  name: 'lienthong_ladder_total',
  help: 'Deliveries that a step of the ladder (stream, webhook, email, reminder) told their destination of, failed to, or skipped',
} as const;
