import type { RejectionReason } from '../reasons';
import type { Part } from './packet';
import type { DeliveryState, Priority } from '../states';

/** What waits for a destination: the item of `GET /v1/deliveries` and the data of `packet.available`. */
export interface WaitingDelivery {
  deliveryId: string;
  packetId: string;
  state: DeliveryState;
  from: string;
  title: string;
  priority: Priority;
  dataType: string;
  parts: Part[];
  deliverBy: string;
  attempt: number;
}

export interface Download {
  part: string;
  url: string;
  headers: Record<string, string>;
  size: number;
  sha256: string;
  mediaType: string;
}

export interface ReadyAnswer {
  deliveryId: string;
  packet: {
    packetId: string;
    from: string;
    title: string;
    priority: Priority;
    dataType: string;
    inReplyTo: string | null;
    parts: Part[];
  };
  space: { expiresAt: string; downloads: Download[] };
}

export type Outcome = 'accepted' | 'rejected';

export interface ConfirmRequest {
  outcome: Outcome;
  parts: { name: string; sha256: string }[];
  reasonCode?: RejectionReason;
  reason?: string;
  retryable?: boolean;
}

export interface ConfirmAnswer {
  deliveryId: string;
  state: DeliveryState;
  receipt: string;
}

export interface ConfirmationResult {
  deliveryId: string;
  status: number;
  answer?: ConfirmAnswer;
  error?: { code: string; detail: string };
}

/** In the order of the request. */
export interface ConfirmationsAnswer {
  results: ConfirmationResult[];
}
