import { LIMITS } from '@lienthong/contracts';
import {
  auditSettings,
  type ConfigOf,
  databaseSettings,
  ladderSettings,
  processSettings,
  queueSettings,
  setting,
  storageSettings,
} from '@lienthong/runtime';
import type { PlatformPolicy } from './policy';

/** What holds for a packet where neither its source nor an administrator says otherwise, and the bounds. */
export const policySettings = {
  DELIVER_BY_SECONDS: setting.integer('Deadline of a packet from its completion on, where nothing else is set', {
    default: LIMITS.deliverBySecondsDefault,
    min: 1,
    max: LIMITS.deliverBySecondsMax,
  }),
  DELIVER_BY_SECONDS_MAX: setting.integer('How far off a deadline may be', {
    default: LIMITS.deliverBySecondsMax,
    min: 1,
    max: LIMITS.deliverBySecondsMax,
  }),
  KEEP_AFTER_CONFIRM_SECONDS: setting.integer('How long content is kept after the last delivery is final', {
    default: 0,
    min: 0,
    max: LIMITS.keepAfterConfirmSeconds,
  }),
  WARN_AT_PERCENT: setting.list('Parts of the time to the deadline after which both sides are warned, in per cent', {
    default: ['50', '80'],
  }),
  OPEN_SPACES: setting.integer('Spaces that a system may have open at a time', { default: 1000, min: 1, max: 100_000 }),
  OPEN_SPACES_GIB: setting.integer('Bytes that a system may have declared for its open spaces, in GiB', {
    default: 1024,
    min: 1,
    max: 1_000_000,
  }),
  LATE_PURGES: setting.integer(
    'Packets whose content should have been deleted 10 minutes ago at which no more content is taken; 0: it always is',
    { default: 10_000, min: 0, max: 1_000_000 },
  ),
  URGENT_QUOTA: setting.integer('Packets above normal that a system may open in a window; more are taken as normal', {
    default: 10_000,
    min: 0,
  }),
  URGENT_QUOTA_SECONDS: setting.integer('Length of that window', { default: 86_400, min: 1, max: 86_400 }),
  REJECTION_ATTEMPTS: setting.integer('Deliveries of a packet to a destination that rejects it as retryable, in all', {
    default: 6,
    min: 1,
    max: 100,
  }),
  REJECTION_RETRY_SECONDS: setting.integer('Pause after the first such rejection; doubled each time, 1 h at most', {
    default: 60,
    min: 1,
    max: 3600,
  }),
};

export const connectorSettings = {
  ...processSettings,
  PORT: setting.integer('Port of the public API', { default: 8082, min: 0, max: 65535 }),
  ...databaseSettings,
  ...queueSettings,
  ...storageSettings,
  ...auditSettings,
  ...policySettings,
  ...ladderSettings,
  AUTH_INTERNAL_URL: setting.list('Internal addresses of auth, which checks signatures made with access keys', {
    default: [],
  }),
};

/** What the connector's steps are told. */
export abstract class ConnectorOptions {
  abstract readonly policy: PlatformPolicy;
  /** What a system may have open at a time. */
  abstract readonly openSpaces: { packets: number; bytes: number };
  /** So many packets whose purge is late and no more content is taken; 0: it always is. */
  abstract readonly latePurges: number;
  abstract readonly urgentQuota: { packets: number; windowSeconds: number };
  abstract readonly rejections: { attempts: number; retrySeconds: number };
}

/** @throws Error with one sentence when WARN_AT_PERCENT has what is no percentage */
export function connectorOptionsOf(config: ConfigOf<typeof policySettings>): ConnectorOptions {
  const warnAt = config.WARN_AT_PERCENT.map((text) => Number(text) / 100);
  if (!warnAt.every((part) => part > 0 && part < 1) || warnAt.length > 10)
    throw new Error('WARN_AT_PERCENT must be at most 10 numbers between 0 and 100, such as 50,80.');
  return {
    policy: {
      deliverBySeconds: config.DELIVER_BY_SECONDS,
      deliverBySecondsMax: config.DELIVER_BY_SECONDS_MAX,
      keepAfterConfirmSeconds: config.KEEP_AFTER_CONFIRM_SECONDS,
      warnAt,
      allowPartial: false,
    },
    openSpaces: { packets: config.OPEN_SPACES, bytes: config.OPEN_SPACES_GIB * 1024 ** 3 },
    latePurges: config.LATE_PURGES,
    urgentQuota: { packets: config.URGENT_QUOTA, windowSeconds: config.URGENT_QUOTA_SECONDS },
    rejections: { attempts: config.REJECTION_ATTEMPTS, retrySeconds: config.REJECTION_RETRY_SECONDS },
  };
}
