/** States of a packet and of a delivery, and the only changes there are (protocol 6). A store may make no other change. */
export const PACKET_STATES = ['open', 'received', 'scheduled', 'completed', 'expired', 'refused', 'recalled'] as const;
export type PacketState = (typeof PACKET_STATES)[number];

export const PACKET_TRANSITIONS: Record<PacketState, readonly PacketState[]> = {
  open: ['received', 'expired', 'recalled'],
  received: ['scheduled', 'refused', 'recalled'],
  scheduled: ['completed', 'recalled'],
  completed: [],
  expired: [],
  refused: [],
  recalled: [],
};

export const DELIVERY_STATES = [
  'pending',
  'notified',
  'ready',
  'accepted',
  'rejected',
  'undeliverable',
  'recalled',
] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** `ready` straight from `pending` happens when a destination knows the id from elsewhere; being told the space is proof that it has the notice. */
export const DELIVERY_TRANSITIONS: Record<DeliveryState, readonly DeliveryState[]> = {
  pending: ['notified', 'ready', 'undeliverable', 'recalled'],
  notified: ['ready', 'pending', 'undeliverable', 'recalled'],
  ready: ['accepted', 'rejected', 'pending', 'undeliverable', 'recalled'],
  accepted: [],
  rejected: [],
  undeliverable: [],
  recalled: [],
};

export function isFinal(transitions: Record<string, readonly string[]>, state: string): boolean {
  return transitions[state]?.length === 0;
}

/** The states from which `to` may be reached: the guard of an `UPDATE … WHERE state = ANY(:from)`. */
export function sourcesOf<S extends string>(transitions: Record<S, readonly S[]>, to: S): S[] {
  return (Object.keys(transitions) as S[]).filter((from) => transitions[from].includes(to));
}

export const PRIORITIES = ['normal', 'urgent', 'veryUrgent', 'express'] as const;
/** Thường, Khẩn, Thượng khẩn, Hỏa tốc. */
export type Priority = (typeof PRIORITIES)[number];
/** 0 = normal … 3 = express: what is stored, so that lists can be ordered by an index. */
export const priorityRank = (priority: Priority): number => PRIORITIES.indexOf(priority);
