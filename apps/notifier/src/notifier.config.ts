import { databaseSettings, processSettings, queueSettings, setting } from '@lienthong/runtime';

/** Of the process that serves streams, whichever it is. */
export const streamSettings = {
  STREAM_ORIGINS: setting.list(
    'Origins of web pages that may open event streams, such as https://portal.example.vn; that of PUBLIC_URL always may',
    { default: [] },
  ),
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
};

/** What the notifier's steps are told. */
export abstract class NotifierOptions {
  /** Address of the platform as clients see it. */
  abstract readonly publicUrl: string;
  /** Origins of pages that may open streams, beside that one's. */
  abstract readonly streamOrigins: readonly string[];
}
