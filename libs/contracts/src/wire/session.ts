import type { AccessGrant } from './access';
import type { WaitingDelivery } from './delivery';
import type { PacketState } from '../states';

export interface SessionAnswer {
  /** The keyid of requests from here on. */
  sessionId: string;
  /** Their HMAC secret (hmac-sha256): the UTF-8 bytes of this text. */
  sessionKey: string;
  expiresAt: string;
  serverTime: string;
  /** For an administrator: id `administrator`, the rest empty. */
  system: { id: string; name: string; agencyCode: string; agencyName: string };
  /** Packets that this system sent, by state. */
  outgoing: Record<PacketState, number>;
  /** What waits for it, and the first 50 of them. */
  incoming: { pending: number; items: WaitingDelivery[] };
  /** When a destination was named. */
  access?: AccessGrant;
}
