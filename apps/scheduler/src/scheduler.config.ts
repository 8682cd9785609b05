import { databaseSettings, processSettings, queueSettings, setting, storageSettings } from '@lienthong/runtime';

export const schedulingSettings = {
  SWEEP_QUIET_SECONDS: setting.integer('How long work may stand still before its task is sent again', {
    default: 60,
    min: 1,
  }),
};

export const schedulerSettings = {
  ...processSettings,
  PORT: setting.integer('Port of health and metrics', { default: 8083, min: 0, max: 65535 }),
  ...databaseSettings,
  ...queueSettings,
  ...storageSettings,
  ...schedulingSettings,
};

/** What the scheduler's steps are told. */
export abstract class SchedulerOptions {
  abstract readonly sweepQuietSeconds: number;
}
