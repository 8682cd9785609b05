import type { ConfigOf } from './setting';
import { setting } from './setting';

/** When the contact person of a destination is reminded of what it has not fetched. */
export const ladderSettings = {
  LADDER_EMAIL_AFTER_MINUTES: setting.integer(
    'How long a destination may leave a packet before its contact person gets an e-mail',
    { default: 60, min: 0, max: 43_200 },
  ),
  LADDER_URGENT_AFTER_MINUTES: setting.integer('The same for packets above normal', {
    default: 15,
    min: 0,
    max: 43_200,
  }),
  LADDER_REMIND_EVERY_HOURS: setting.integer('Pause between two reminders of a delivery', {
    default: 24,
    min: 1,
    max: 720,
  }),
  LADDER_REMINDERS: setting.integer('Reminders of a delivery, in all; 0: none', { default: 10, min: 0, max: 100 }),
  LADDER_CONTACT_PAUSE_MINUTES: setting.integer('Pause between two e-mails to one contact person', {
    default: 15,
    min: 0,
    max: 1440,
  }),
};

/** What makers of deliveries are told of it; null: nobody is reminded. */
export const firstReminderOf = (config: ConfigOf<typeof ladderSettings>) =>
  config.LADDER_REMINDERS === 0
    ? null
    : {
        normalSeconds: config.LADDER_EMAIL_AFTER_MINUTES * 60,
        urgentSeconds: config.LADDER_URGENT_AFTER_MINUTES * 60,
      };
