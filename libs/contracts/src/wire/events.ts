/** Event types of a system's stream (protocol 7) that exist now. */
export const EVENT_TYPES = [
  'packet.available',
  'packet.expiring',
  'packet.extended',
  'packet.recalled',
  'packet.recallRequested',
  'packet.accepted',
  'packet.refused',
  'packet.status',
  'packet.completed',
  'packet.purged',
  'delivery.ready',
  'delivery.accepted',
  'delivery.rejected',
  'delivery.undeliverable',
  'system.suspended',
  'key.expiring',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** CloudEvents 1.0 (JSON) with the extension `offset`: decimal, grows by one per event of that system, without gaps. */
export interface StreamEvent {
  specversion: '1.0';
  id: string;
  source: string;
  type: EventType;
  time: string;
  subject?: string;
  datacontenttype: 'application/json';
  offset: string;
  data: Record<string, unknown>;
}

export type ServerFrame =
  | { type: 'hello'; heartbeatSeconds: number; lastOffset: string; resumedFrom: string }
  | { type: 'event'; event: StreamEvent }
  | { type: 'gap'; from: string };
export interface ClientFrame {
  type: 'ack';
  offset: string;
}

/** Close codes of the stream (protocol 7). */
export const CLOSE = {
  badFrame: 4400,
  authentication: 4401,
  nothingAcknowledged: 4408,
  replaced: 4409,
  tooMany: 4429,
  restart: 1012,
} as const;

export interface EventPage {
  items: StreamEvent[];
  nextCursor: string | null;
  lastOffset: string;
  /** Present when older events than this one are no longer kept. */
  gap?: { from: string };
}

/** The address of one stream, good once. */
export interface StreamTicket {
  url: string;
  expiresAt: string;
}
