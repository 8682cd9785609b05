import { type ConfigOf, databaseSettings, processSettings, queueSettings, setting } from '@lienthong/runtime';

/** Of the process that serves streams, whichever it is. */
export const streamSettings = {
  STREAM_ORIGINS: setting.list(
    'Origins of web pages that may open event streams, such as https://portal.example.vn; that of PUBLIC_URL always may',
    { default: [] },
  ),
};

export const mailSettings = {
  SMTP_URL: setting.url('Mail server for reminders, such as smtps://user:password@mail.example.vn; none without one', {
    optional: true,
    secret: true,
  }),
  SMTP_FROM: setting.text('What reminders come from, such as "Liên thông <lienthong@example.vn>"; with SMTP_URL', {
    optional: true,
  }),
};

export const notifierSettings = {
  ...processSettings,
  PORT: setting.integer('Port of the public API', { default: 8084, min: 0, max: 65535 }),
  ...databaseSettings,
  ...queueSettings,
  AUTH_INTERNAL_URL: setting.list('Internal addresses of auth, which checks signatures made with access keys', {
    default: [],
  }),
  ...streamSettings,
  ...mailSettings,
};

/** What the notifier's steps are told. */
export abstract class NotifierOptions {
  /** Address of the platform as clients see it. */
  abstract readonly publicUrl: string;
  /** Origins of pages that may open streams, beside that one's. */
  abstract readonly streamOrigins: readonly string[];
  /** Without it nobody gets e-mail. */
  abstract readonly smtp?: { url: string; from: string };
}

type Given = ConfigOf<typeof mailSettings & typeof streamSettings> & { PUBLIC_URL: string };

/** @throws Error with one sentence when SMTP_URL is set and is none, or SMTP_FROM is missing */
export function notifierOptionsOf(config: Given): NotifierOptions {
  const { SMTP_URL: url, SMTP_FROM: from } = config;
  if (url && !/^smtps?:/.test(url)) throw new Error('SMTP_URL must begin with smtp:// or smtps://.');
  if (url && !from) throw new Error('SMTP_FROM must be set with SMTP_URL: what reminders come from.');
  return {
    publicUrl: config.PUBLIC_URL,
    streamOrigins: config.STREAM_ORIGINS,
    ...(url && from && { smtp: { url, from } }),
  };
}
