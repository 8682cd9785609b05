import { randomUUID } from 'node:crypto';
import type {
  CompleteAnswer,
  CompleteRequest,
  ExtendAnswer,
  PacketState,
  PacketSummary,
  PacketView,
  Page,
  ReceiptBundle,
  RecallAnswer,
  ResendAnswer,
  ResendRequest,
  SendAnswer,
  SendRequest,
  StatusReport,
  StuckPacket,
  UploadSpace,
} from '@lienthong/contracts';
import { type Connection, pathOf } from '../transport/connection';
import { everyItem, type PageQuery } from './pages';

export interface PacketQuery extends PageQuery {
  state?: PacketState | PacketState[];
  to?: string;
  /** RFC 3339. */
  since?: string;
  until?: string;
  q?: string;
}

export interface SendOptions {
  /** Made up when not given. The same key gives the same packet, and the same round of it, again: keep it where a crash must not send twice. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** Sending (protocol 5). */
export class PacketCalls {
  constructor(private readonly connection: Pick<Connection, 'call'>) {}

  /** Asks for a space (S2); with `protocol: 'inline'` also delivers the content and completes. */
  send(request: SendRequest, { idempotencyKey = randomUUID(), signal }: SendOptions = {}): Promise<SendAnswer> {
    const headers = { 'idempotency-key': idempotencyKey };
    return this.connection.call({
      method: 'POST',
      path: '/v1/packets',
      body: request,
      headers,
      repeatable: true,
      signal,
    });
  }

  /** What of the own packets needs a hand, why, and what can be done. */
  async stuck(query: { limit?: number } = {}): Promise<StuckPacket[]> {
    const { items } = await this.connection.call<Page<StuckPacket>>({
      method: 'GET',
      path: '/v1/packets/stuck',
      query,
    });
    return items;
  }

  /** Fresh upload addresses for a packet that is still `open`. */
  async renewSpace(packetId: string): Promise<UploadSpace> {
    const path = pathOf('v1', 'packets', packetId, 'space');
    const answer = await this.connection.call<UploadSpace | { space: UploadSpace }>({
      method: 'POST',
      path,
      repeatable: true,
    });
    return 'space' in answer ? answer.space : answer;
  }

  /** All content is there (S4 begins). Repeating it is harmless. */
  complete(packetId: string, request: CompleteRequest = {}): Promise<CompleteAnswer> {
    const path = pathOf('v1', 'packets', packetId, 'complete');
    return this.connection.call({ method: 'POST', path, body: request, repeatable: true });
  }

  get(packetId: string): Promise<PacketView> {
    return this.connection.call({ method: 'GET', path: pathOf('v1', 'packets', packetId) });
  }

  /** One page of the system's own packets. */
  page({ state, ...query }: PacketQuery = {}): Promise<Page<PacketSummary>> {
    const states = Array.isArray(state) ? state.join(',') : state;
    return this.connection.call({ method: 'GET', path: '/v1/packets', query: { ...query, state: states } });
  }

  /** All of the system's own packets that fit, as an async iterator. */
  list(query: Omit<PacketQuery, 'cursor'> = {}): AsyncGenerator<PacketSummary> {
    return everyItem((cursor) => this.page({ ...query, cursor }));
  }

  /** Takes back every delivery that is not accepted yet; the answer says which is which. */
  recall(packetId: string, reason: string): Promise<RecallAnswer> {
    const path = pathOf('v1', 'packets', packetId, 'recall');
    return this.connection.call({ method: 'POST', path, body: { reason }, repeatable: true });
  }

  /** Another, later deadline for what has not ended yet. */
  extend(packetId: string, deliverBy: string): Promise<ExtendAnswer> {
    const path = pathOf('v1', 'packets', packetId, 'extend');
    return this.connection.call({ method: 'POST', path, body: { deliverBy }, repeatable: true });
  }

  /** Again to whom it was not delivered; where its content is deleted, the answer has a space for the same parts (`resendFiles`). */
  resend(
    packetId: string,
    request: ResendRequest = {},
    { idempotencyKey = randomUUID(), signal }: SendOptions = {},
  ): Promise<ResendAnswer> {
    const path = pathOf('v1', 'packets', packetId, 'resend');
    const headers = { 'idempotency-key': idempotencyKey };
    return this.connection.call({ method: 'POST', path, body: request, headers, repeatable: true, signal });
  }

  /** Business status by a destination after acceptance. History: a second arrival would be a second entry, so it is not repeated blindly. */
  reportStatus(packetId: string, report: StatusReport): Promise<unknown> {
    const path = pathOf('v1', 'packets', packetId, 'statuses');
    return this.connection.call({ method: 'POST', path, body: report });
  }

  /** The packet's evidence (protocol 8); check it with `verifyBundle`. */
  receipts(packetId: string): Promise<ReceiptBundle> {
    return this.connection.call({ method: 'GET', path: pathOf('v1', 'packets', packetId, 'receipts') });
  }
}
