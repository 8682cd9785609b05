import type { ConfirmAnswer, DeliveryState, Download, SendRequest } from '@lienthong/contracts';
import type { TestFile } from '../../support/exchange';

export type Confirmation = 'accept' | 'reject' | 'retry';

/** A delivery as its source and its destination must see it. */
export interface ExpectedDelivery {
  destination: number;
  round: number;
  state: DeliveryState;
  /** Rejected for now: comes again by itself, and is announced again at some moment. */
  isRetried: boolean;
  attempt: number;
  confirmed?: { how: Confirmation; answer: ConfirmAnswer };
  statuses: number;
}

export interface ExpectedPacket {
  packetId: string;
  key: string;
  request: SendRequest;
  file: TestFile;
  to: number[];
  keeps: boolean;
  /** `sent`: received, or scheduled: the platform goes on by itself. */
  state: 'open' | 'sent' | 'completed' | 'recalled';
  isUploaded: boolean;
  round: number;
  /** The round whose content lies in the store. */
  uploadedIn: number;
  /** Where its content was to be fetched, of whichever round. */
  addresses: { of: number; download: Download }[];
  extended?: string;
  deliveries: ExpectedDelivery[];
}

/** What the platform must have come to: the whole of the model. */
export interface Expected {
  packets: ExpectedPacket[];
  commands: number;
}

export const isLive = ({ state }: ExpectedDelivery): boolean => ['pending', 'notified', 'ready'].includes(state);

/** The newest delivery to each destination. */
export const newest = ({ to, deliveries }: ExpectedPacket): ExpectedDelivery[] =>
  to.flatMap((destination) => deliveries.findLast((one) => one.destination === destination) ?? []);

export const undelivered = (packet: ExpectedPacket): ExpectedDelivery[] =>
  newest(packet).filter(({ state }) => state === 'rejected' || state === 'undeliverable');

export const plan = (packet: ExpectedPacket, destinations: number[]): void => {
  for (const destination of destinations)
    packet.deliveries.push({
      destination,
      round: packet.round,
      state: 'pending',
      isRetried: false,
      attempt: 1,
      statuses: 0,
    });
};

/** Completed with its last delivery. */
export const settle = (packet: ExpectedPacket): void => {
  if (packet.state === 'sent' && !packet.deliveries.some(isLive)) packet.state = 'completed';
};
