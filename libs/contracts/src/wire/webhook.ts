import type { EventType } from './events';

/** `failing`: tried again once in a while only; `off`: not called any more until it is set again. */
export const WEBHOOK_STATES = ['verified', 'failing', 'off'] as const;
export type WebhookState = (typeof WEBHOOK_STATES)[number];

/** Why an address was not reached or what it answered; `http_404` and the like where it answered. */
export const WEBHOOK_ERRORS = [
  'address_refused',
  'name_unknown',
  'connection_refused',
  'connection_failed',
  'certificate_untrusted',
  'certificate_expired',
  'certificate_mismatch',
  'tls_failed',
  'timeout',
] as const;
export type WebhookError = (typeof WEBHOOK_ERRORS)[number] | `http_${number}`;

/** The type of the event that an address is verified by; it is in no stream and has no offset. */
export const WEBHOOK_VERIFICATION = 'webhook.verification';

/** Body of `PUT /v1/webhook`. */
export interface NewWebhook {
  url: string;
  /** Types of events that are sent; all by default. */
  events?: EventType[];
}

/** The webhook of a system: the third way to read its stream (protocol 7). */
export interface WebhookView {
  url: string;
  /** Null: all. */
  events: EventType[] | null;
  state: WebhookState;
  verifiedAt: string;
  /** Everything up to this offset was answered, or is not of the types asked for. */
  offset: string;
  /** When it last answered 2xx to an event. */
  answeredAt: string | null;
  /** Attempts that failed since then. */
  failures: number;
  lastError: string | null;
  lastErrorAt: string | null;
  /** While it fails. */
  nextAttemptAt: string | null;
}

export interface SetWebhook extends WebhookView {
  /** Signs what is sent (Standard Webhooks, `whsec_…`); shown this once. */
  secret: string;
  /** With the same address as before: until when the former secret signs too. */
  formerSecretUntil: string | null;
}

/** How a system is reached; item of `GET /v1/admin/connections/systems`. */
export interface SystemContact {
  systemId: string;
  online: boolean;
  /** Polls of its events in the last 30 days. */
  polls: number;
  /** Events that its webhook answered in the last 30 days. */
  webhooks: number;
  /** The last poll, to within 30 s. */
  polledAt: string | null;
  webhook: {
    host: string;
    state: WebhookState;
    failures: number;
    answeredAt: string | null;
    lastError: string | null;
    lastErrorAt: string | null;
  } | null;
}
