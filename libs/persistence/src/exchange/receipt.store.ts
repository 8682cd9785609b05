import type { ReceiptBundle, ReceiptClaims, ReceiptEvent } from '@lienthong/contracts';
import { newPlatformKey, type PlatformKey, platformKeyOf, receiptHash, signReceipt } from '@lienthong/signing';
import { v7 as uuidv7 } from 'uuid';
import { nowBy, type PacketRow } from './rows';
import type { PlatformKeyStore } from '../access/platform-key.store';
import type { Transactions, Unit } from '../transactions';

export interface ReceiptDraft {
  event: ReceiptEvent;
  to: string[];
  parts: ReceiptClaims['parts'];
  deliveryId?: string;
  request?: ReceiptClaims['request'];
  proof?: ReceiptClaims['proof'];
  detail?: Record<string, unknown>;
}

/** How long a process signs with the key it knows before it looks for a newer one: a rotation reaches every instance within 10 s. */
const KEY_MS = 5000;

/** The evidence of a packet: signed, chained by `prev`, written in the transaction that makes it true (protocol 8). */
export class ReceiptStore {
  private known?: { key: Promise<PlatformKey>; until: number };

  constructor(
    private readonly transactions: Transactions,
    private readonly platformKeys: PlatformKeyStore,
    private readonly issuer: string,
  ) {}

  /**
   * Appends to the packet's chain; the caller holds the packet's lock.
   * @returns the compact JWS of the last draft
   */
  async append(unit: Unit, packet: PacketRow, drafts: ReceiptDraft[]): Promise<string> {
    const key = await this.key();
    const at = nowBy(packet);
    let newest = '';
    for (const draft of drafts) {
      const jti = uuidv7();
      const claims: ReceiptClaims = {
        iss: this.issuer,
        jti,
        iat: Math.floor(at.getTime() / 1000),
        packetId: packet.id,
        from: packet.source,
        prev: packet.receiptHash,
        ...draft,
        parts: draft.parts.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
      };
      newest = signReceipt(claims, key);
      packet.receiptHash = receiptHash(newest);
      const { event, deliveryId = null } = draft;
      unit.records.receipts.push({ jti, packetId: packet.id, deliveryId, event, at: at.toISOString(), jws: newest });
      unit.records.receiptHashes.set(packet.id, packet.receiptHash);
    }
    return newest;
  }

  /** All of a packet's receipts for its source; for its destinations too: the chain needs every one. */
  async bundle(packetId: string): Promise<ReceiptBundle> {
    const rows = await this.transactions.query<{
      event: ReceiptEvent;
      at: Date;
      deliveryId: string | null;
      jws: string;
    }>(`SELECT event, at, delivery_id AS "deliveryId", jws FROM receipts WHERE packet_id = $1 ORDER BY seq`, [
      packetId,
    ]);
    return {
      packetId,
      receipts: rows.map(({ event, at, deliveryId, jws }) => ({
        event,
        at: at.toISOString(),
        ...(deliveryId ? { deliveryId } : {}),
        jws,
      })),
    };
  }

  /** Signs with the platform's current key; a new platform gets its first here. */
  private key(): Promise<PlatformKey> {
    if (this.known && this.known.until > performance.now()) return this.known.key;
    const key = this.platformKeys.current(newPlatformKey).then(({ kid, privatePem }) => platformKeyOf(kid, privatePem));
    this.known = { key, until: performance.now() + KEY_MS };
    key.catch(() => (this.known = undefined));
    return key;
  }
}
