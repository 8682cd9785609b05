import {
  auditSettings,
  type ConfigOf,
  databaseSettings,
  ladderSettings,
  processSettings,
  queueSettings,
  setting,
  storageSettings,
  taskSettings,
} from '@lienthong/runtime';

export const schedulingSettings = {
  SWEEP_QUIET_SECONDS: setting.integer('How long work may stand still before its task is sent again', {
    default: 60,
    min: 1,
  }),
  DEADLINE_WATCH_SECONDS: setting.integer('Pause between two looks for deadlines and warnings that are due', {
    default: 5,
    min: 1,
    max: 30,
  }),
  STORE_CHECK_SECONDS: setting.integer(
    'Pause between two comparisons of all that is in the content store with the record',
    { default: 3600, min: 1, max: 86_400 },
  ),
  EXPIRY_PER_MINUTE: setting.integer('Deliveries that may end at their deadline in a minute without an alarm', {
    default: 1000,
    min: 1,
  }),
  EXPIRY_PERCENT_PER_MINUTE: setting.integer(
    'The same as a share of all live deliveries; the greater of the two holds',
    {
      default: 5,
      min: 1,
      max: 100,
    },
  ),
  AUDIT_SEAL_SECONDS: setting.integer('Pause between two sealings of the audit log', { default: 30, min: 1, max: 60 }),
  AUDIT_EXPORT: setting.text(
    'Folder, or s3://bucket/prefix, outside the database where checkpoints of the audit log are put',
    { optional: true },
  ),
  AUDIT_RETENTION_DAYS: setting.integer('How long the audit log is kept', { default: 730, min: 730, max: 36_500 }),
  BACKUP_HORIZON_DAYS: setting.integer(
    'How long backups of the content store are kept, for the certificate of a purge; 0: there are none; empty: not said',
    { optional: true, min: 0, max: 36_500 },
  ),
  ...auditSettings,
  ...ladderSettings,
};

export const schedulerSettings = {
  ...processSettings,
  PORT: setting.integer('Port of health and metrics', { default: 8083, min: 0, max: 65535 }),
  ...databaseSettings,
  ...queueSettings,
  ...taskSettings,
  ...storageSettings,
  ...schedulingSettings,
};

/** What the scheduler's steps are told. */
export abstract class SchedulerOptions {
  abstract readonly sweepQuietSeconds: number;
  abstract readonly deadlineWatchSeconds: number;
  abstract readonly storeCheckSeconds: number;
  abstract readonly expiry: { leastPerMinute: number; percentPerMinute: number };
  /** Reminders of what is not fetched. */
  abstract readonly ladder: { everySeconds: number; reminders: number; contactPauseSeconds: number };
  /** Whose log: the platform's public address. */
  abstract readonly origin: string;
  abstract readonly auditSealSeconds: number;
  abstract readonly auditRetentionDays: number;
  /** Folder or bucket; undefined: checkpoints stay in the database. */
  abstract readonly auditExport?: string;
  /** `s3` or `filesystem`, for the certificate of a purge. */
  abstract readonly store: string;
  /** How long backups of the content store are kept, in days; undefined: not said. */
  abstract readonly backupDays?: number;
}

type Given = ConfigOf<typeof schedulingSettings> & { PUBLIC_URL: string; STORAGE: string };

export const schedulerOptionsOf = (config: Given): SchedulerOptions => ({
  sweepQuietSeconds: config.SWEEP_QUIET_SECONDS,
  deadlineWatchSeconds: config.DEADLINE_WATCH_SECONDS,
  storeCheckSeconds: config.STORE_CHECK_SECONDS,
  expiry: { leastPerMinute: config.EXPIRY_PER_MINUTE, percentPerMinute: config.EXPIRY_PERCENT_PER_MINUTE },
  ladder: {
    everySeconds: config.LADDER_REMIND_EVERY_HOURS * 3600,
    reminders: config.LADDER_REMINDERS,
    contactPauseSeconds: config.LADDER_CONTACT_PAUSE_MINUTES * 60,
  },
  origin: config.PUBLIC_URL,
  auditSealSeconds: config.AUDIT_SEAL_SECONDS,
  auditRetentionDays: config.AUDIT_RETENTION_DAYS,
  auditExport: config.AUDIT_EXPORT,
  store: config.STORAGE,
  backupDays: config.BACKUP_HORIZON_DAYS,
});
