import type {
  ConfirmAnswer,
  ConfirmationResult,
  ConfirmRequest,
  DeliveryState,
  Page,
  ReadyAnswer,
  WaitingDelivery,
} from '@lienthong/contracts';
import { type Connection, pathOf } from '../transport/connection';
import { everyItem, type PageQuery } from './pages';

export interface DeliveryQuery extends PageQuery {
  /** Without it: every delivery that is not final. */
  state?: DeliveryState | DeliveryState[];
}

/** Receiving (protocol 6). */
export class DeliveryCalls {
  constructor(private readonly connection: Pick<Connection, 'call'>) {}

  page({ state, ...query }: DeliveryQuery = {}): Promise<Page<WaitingDelivery>> {
    const states = Array.isArray(state) ? state.join(',') : state;
    return this.connection.call({ method: 'GET', path: '/v1/deliveries', query: { ...query, state: states } });
  }

  /** All that waits, by priority, then age, as an async iterator. Being listed makes a `pending` delivery `notified`. */
  list(query: Omit<DeliveryQuery, 'cursor'> = {}): AsyncGenerator<WaitingDelivery> {
    return everyItem((cursor) => this.page({ ...query, cursor }));
  }

  /** Ready to receive (S6): where to fetch the content. Repeating it renews the addresses. */
  ready(deliveryId: string): Promise<ReadyAnswer> {
    return this.connection.call({
      method: 'POST',
      path: pathOf('v1', 'deliveries', deliveryId, 'ready'),
      repeatable: true,
      signedWith: 'privateKey',
    });
  }

  /** Confirms (S7). Repeating the same confirmation gives the same receipt. With an RSA key the receipt proves the confirmation to third parties (protocol 8). */
  confirm(deliveryId: string, confirmation: ConfirmRequest): Promise<ConfirmAnswer> {
    const path = pathOf('v1', 'deliveries', deliveryId, 'confirm');
    return this.connection.call({
      method: 'POST',
      path,
      body: confirmation,
      repeatable: true,
      signedWith: 'privateKey',
    });
  }

  /** Up to 100 at once, each with its own result. Receipts then hold only the digest of what an RSA key signed: confirm one by one where the whole shall be provable. */
  async confirmMany(confirmations: ({ deliveryId: string } & ConfirmRequest)[]): Promise<ConfirmationResult[]> {
    const body = { confirmations };
    const path = '/v1/deliveries/confirmations';
    const answer = await this.connection.call<{ results: ConfirmationResult[] }>({
      method: 'POST',
      path,
      body,
      repeatable: true,
      signedWith: 'privateKey',
    });
    return answer.results;
  }
}
