import type { TaskKind } from './tasks';

export type AppName = 'auth' | 'connector' | 'scheduler' | 'notifier';
/** `step`: called by another step, in its transaction. */
export type Cause = 'http' | 'task' | 'websocket' | 'timer' | 'step';

export interface Step {
  /** Its name everywhere: folder, route handler, task, log event, test. */
  name: string;
  app: AppName;
  cause: Cause;
  /** Steps of the regulations (S1–S7, TQ Art. 10; A0–A7, TQ Art. 11), or `beside` the path. */
  regulation: readonly string[];
  /** What it changes, in the words of protocol 6. */
  change: string;
}

/** The flow is the table of contents: a row is a folder `apps/<app>/src/<name>`; `test/architecture` fails where one is missing. */
export const FLOW = [
  { name: 'open-session', app: 'auth', cause: 'http', regulation: ['S1', 'S5', 'A1', 'A2'], change: 'session' },
  { name: 'check-access', app: 'auth', cause: 'http', regulation: ['A4', 'A5'], change: '–' },
  { name: 'issue-token', app: 'auth', cause: 'http', regulation: ['A7'], change: '–' },
  { name: 'check-signature', app: 'auth', cause: 'http', regulation: ['beside'], change: '–' },
  { name: 'request-space', app: 'connector', cause: 'http', regulation: ['S2'], change: 'packet open' },
  {
    name: 'complete-upload',
    app: 'connector',
    cause: 'http',
    regulation: ['S3', 'S4'],
    change: 'packet open → received',
  },
  {
    name: 'analyse-packet',
    app: 'scheduler',
    cause: 'task',
    regulation: ['S4'],
    change: 'packet received: checked, or → refused',
  },
  {
    name: 'plan-delivery',
    app: 'scheduler',
    cause: 'step',
    regulation: ['S4'],
    change: 'packet received → scheduled; deliveries pending',
  },
  {
    name: 'notify-destination',
    app: 'notifier',
    cause: 'task',
    regulation: ['S4'],
    change: 'delivery announced; notified once the destination acknowledged',
  },
  { name: 'accept-stream', app: 'notifier', cause: 'websocket', regulation: ['S5'], change: 'presence' },
  { name: 'ready-to-receive', app: 'connector', cause: 'http', regulation: ['S6'], change: 'delivery → ready' },
  {
    name: 'confirm-receipt',
    app: 'connector',
    cause: 'http',
    regulation: ['S7'],
    change: 'delivery → accepted | rejected; packet → completed',
  },
  { name: 'purge-content', app: 'scheduler', cause: 'task', regulation: ['S7'], change: 'purgedAt' },
  {
    name: 'recall-packet',
    app: 'connector',
    cause: 'http',
    regulation: ['beside'],
    change: 'packet, deliveries → recalled',
  },
  {
    name: 'extend-packet',
    app: 'connector',
    cause: 'http',
    regulation: ['beside'],
    change: 'deadline of the packet and its live deliveries',
  },
  {
    name: 'resend-packet',
    app: 'connector',
    cause: 'http',
    regulation: ['beside'],
    change: 'next round of the packet: open, received, or new deliveries; the former round stays as it ended',
  },
  {
    name: 'report-status',
    app: 'connector',
    cause: 'http',
    regulation: ['beside'],
    change: 'business status appended',
  },
  { name: 'read-packet', app: 'connector', cause: 'http', regulation: ['beside'], change: '–' },
  { name: 'read-events', app: 'connector', cause: 'http', regulation: ['beside'], change: 'delivery notified' },
  {
    name: 'list-deliveries',
    app: 'connector',
    cause: 'http',
    regulation: ['S5'],
    change: 'delivery pending → notified',
  },
  { name: 'publish-limits', app: 'connector', cause: 'http', regulation: ['beside'], change: '–' },
  { name: 'publish-docs', app: 'connector', cause: 'http', regulation: ['beside'], change: '–' },
  {
    name: 'check-content',
    app: 'scheduler',
    cause: 'task',
    regulation: ['beside'],
    change: 'what is lost: delivery → undeliverable; packet → completed',
  },
  {
    name: 'watch-deadlines',
    app: 'scheduler',
    cause: 'timer',
    regulation: ['beside'],
    change: 'delivery → undeliverable; packet → completed',
  },
  {
    name: 'warn-of-deadlines',
    app: 'scheduler',
    cause: 'timer',
    regulation: ['beside'],
    change: 'warning of a deadline noted',
  },
  {
    name: 'remind-destination',
    app: 'scheduler',
    cause: 'timer',
    regulation: ['beside'],
    change: 'reminder of a delivery that was not fetched',
  },
  {
    name: 'send-email',
    app: 'notifier',
    cause: 'timer',
    regulation: ['beside'],
    change: 'outcome of a reminder noted',
  },
  { name: 'relay-outbox', app: 'scheduler', cause: 'timer', regulation: ['beside'], change: '–' },
  {
    name: 'give-turns',
    app: 'scheduler',
    cause: 'timer',
    regulation: ['beside'],
    change: 'a received packet gets its turn in the analysis',
  },
  { name: 'sweep-lost-work', app: 'scheduler', cause: 'timer', regulation: ['beside'], change: '–' },
  {
    name: 'bury-dead-letters',
    app: 'scheduler',
    cause: 'timer',
    regulation: ['beside'],
    change: 'what the broker gave up → outbox or dead task',
  },
  {
    name: 'close-unused-spaces',
    app: 'scheduler',
    cause: 'timer',
    regulation: ['beside'],
    change: 'packet open → expired',
  },
  {
    name: 'forget-expired',
    app: 'scheduler',
    cause: 'timer',
    regulation: ['beside'],
    change: 'old nonces, tickets, events',
  },
  { name: 'seal-audit', app: 'scheduler', cause: 'timer', regulation: ['beside'], change: 'audit log sealed' },
  {
    name: 'forget-audit',
    app: 'scheduler',
    cause: 'timer',
    regulation: ['beside'],
    change: 'audit log older than its time',
  },
  {
    name: 'check-conservation',
    app: 'scheduler',
    cause: 'timer',
    regulation: ['beside'],
    change: '–',
  },
  { name: 'check-store', app: 'scheduler', cause: 'timer', regulation: ['beside'], change: '–' },
  { name: 'manage-webhook', app: 'notifier', cause: 'http', regulation: ['beside'], change: 'webhook of a system' },
  {
    name: 'call-webhooks',
    app: 'notifier',
    cause: 'timer',
    regulation: ['S4'],
    change: 'delivery notified; webhook verified, failing, off',
  },
  { name: 'number-events', app: 'notifier', cause: 'timer', regulation: ['beside'], change: 'offsets of the streams' },
  { name: 'manage-agencies', app: 'auth', cause: 'http', regulation: ['beside'], change: 'registry' },
  { name: 'manage-systems', app: 'auth', cause: 'http', regulation: ['beside'], change: 'registry' },
  { name: 'manage-policies', app: 'auth', cause: 'http', regulation: ['S3'], change: 'registry' },
  { name: 'manage-calendars', app: 'auth', cause: 'http', regulation: ['beside'], change: 'registry' },
  { name: 'manage-keys', app: 'auth', cause: 'http', regulation: ['A0'], change: 'registry' },
  { name: 'rewrap-secrets', app: 'auth', cause: 'http', regulation: ['beside'], change: 'master key of the secrets' },
  {
    name: 'warn-expiring-keys',
    app: 'scheduler',
    cause: 'timer',
    regulation: ['beside'],
    change: 'warning of a key noted',
  },
  {
    name: 'manage-platform-keys',
    app: 'auth',
    cause: 'http',
    regulation: ['beside'],
    change: 'key that signs receipts',
  },
  { name: 'manage-grants', app: 'auth', cause: 'http', regulation: ['beside'], change: 'registry' },
  { name: 'report-legacy-signatures', app: 'auth', cause: 'http', regulation: ['beside'], change: '–' },
  { name: 'replay-dead-tasks', app: 'auth', cause: 'http', regulation: ['beside'], change: 'dead task → outbox' },
  { name: 'watch-connections', app: 'auth', cause: 'http', regulation: ['beside'], change: '–' },
  { name: 'watch-queues', app: 'auth', cause: 'http', regulation: ['beside'], change: '–' },
  { name: 'read-audit', app: 'auth', cause: 'http', regulation: ['beside'], change: '–' },
  { name: 'read-directory', app: 'auth', cause: 'http', regulation: ['beside'], change: '–' },
  { name: 'publish-keys', app: 'auth', cause: 'http', regulation: ['beside'], change: '–' },
] as const satisfies readonly Step[];

/** Which app handles which kind of task: every kind has one handler, or the app refuses to start. */
export const TASK_HANDLERS: Record<TaskKind, AppName> = {
  'analyse-packet': 'scheduler',
  'notify-destination': 'notifier',
  'purge-content': 'scheduler',
  'check-content': 'scheduler',
};
