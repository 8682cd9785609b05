import { databaseSettings, processSettings, queueSettings, setting } from '@lienthong/runtime';

export const notifierSettings = {
  ...processSettings,
  PORT: setting.integer('Port of the public API', { default: 8084, min: 0, max: 65535 }),
  ...databaseSettings,
  ...queueSettings,
  AUTH_INTERNAL_URL: setting.list('Internal addresses of auth, which checks signatures made with access keys', {
    default: [],
  }),
};

/** What the notifier's steps are told. */
export abstract class NotifierOptions {
  /** Address of the platform as clients see it. */
  abstract readonly publicUrl: string;
}
