import {
  BootError,
  type ConfigOf,
  databaseSettings,
  processSettings,
  queueSettings,
  setting,
  taskSettings,
} from '@lienthong/runtime';
import { networksOf } from './calling/networks';
import type { WebhookRules } from './calling/webhook-requests';

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

/** Of the process that calls webhooks, whichever it is. */
export const webhookSettings = {
  WEBHOOK_ALLOW_HTTP: setting.flag('Whether webhooks may be http, without TLS; only inside a network that is trusted', {
    default: false,
  }),
  WEBHOOK_ALLOWED_NETWORKS: setting.list(
    'Private networks that webhooks may lie in, such as 10.20.0.0/16; without one only public addresses are called',
    { default: [] },
  ),
  WEBHOOK_RETRY_SECONDS: setting.list(
    'Waits after failed calls of a webhook in a row, s; from the last one on it counts as failing, and that is its wait',
    { default: ['5', '30', '120', '600', '3600'] },
  ),
};

export const notifierSettings = {
  ...processSettings,
  PORT: setting.integer('Port of the public API', { default: 8084, min: 0, max: 65535 }),
  ...databaseSettings,
  ...queueSettings,
  ...taskSettings,
  AUTH_INTERNAL_URL: setting.list('Internal addresses of auth, which checks signatures made with access keys', {
    default: [],
  }),
  ...streamSettings,
  ...mailSettings,
  ...webhookSettings,
};

/** What the notifier's steps are told. */
export abstract class NotifierOptions {
  /** Address of the platform as clients see it. */
  abstract readonly publicUrl: string;
  /** Origins of pages that may open streams, beside that one's. */
  abstract readonly streamOrigins: readonly string[];
  abstract readonly webhooks: WebhookRules;
  /** Waits after the first, second … failure in a row of a webhook, s. */
  abstract readonly webhookRetrySeconds: readonly number[];
  /** Without it nobody gets e-mail. */
  abstract readonly smtp?: { url: string; from: string };
}

type Given = ConfigOf<typeof mailSettings & typeof streamSettings & typeof webhookSettings> & { PUBLIC_URL: string };

/** @throws BootError when SMTP_URL is set and is none, or SMTP_FROM is missing, for a network or a wait that is none */
export function notifierOptionsOf(config: Given): NotifierOptions {
  const { SMTP_URL: url, SMTP_FROM: from } = config;
  if (url && !/^smtps?:/.test(url)) throw new BootError('SMTP_URL must begin with smtp:// or smtps://.');
  if (url && !from) throw new BootError('SMTP_FROM must be set with SMTP_URL: what reminders come from.');
  return {
    publicUrl: config.PUBLIC_URL,
    streamOrigins: config.STREAM_ORIGINS,
    webhooks: { allowHttp: config.WEBHOOK_ALLOW_HTTP, networks: networksOf(config.WEBHOOK_ALLOWED_NETWORKS) },
    webhookRetrySeconds: waitsOf(config.WEBHOOK_RETRY_SECONDS),
    ...(url && from && { smtp: { url, from } }),
  };
}

function waitsOf(texts: readonly string[]): number[] {
  const waits = texts.map(Number);
  if (waits.length > 0 && waits.every((wait) => Number.isInteger(wait) && wait > 0 && wait <= 86_400)) return waits;
  throw new BootError('WEBHOOK_RETRY_SECONDS: list one or more whole numbers of seconds, from 1 to 86400.');
}
