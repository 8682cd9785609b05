import type { WaitingDelivery } from './delivery';
import type { PacketState } from '../states';

export interface SessionAnswer {
  sessionId: string;
  sessionKey: string;
  expiresAt: string;
  serverTime: string;
  system: { id: string; name: string; agencyCode: string; agencyName: string };
  outgoing: Record<PacketState, number>;
  incoming: { pending: number; items: WaitingDelivery[] };
}
