import type { AccessCheckAnswer, AccessCheckRequest, SignatureCheck, SignatureCheckAnswer } from '@lienthong/contracts';
import type { Connection } from '../transport/connection';
import { DestinationAccess } from './destination-access';

/** Authentication between two systems over the platform (A1–A5) and help with signing (protocol 4). */
export class AccessCalls {
  constructor(private readonly connection: Pick<Connection, 'call' | 'openSession'>) {}

  /**
   * The right to call another system's own service (A1–A3). Nothing is asked of the platform before the first request is signed.
   * @param destination its system id
   */
  to(destination: string): DestinationAccess {
    return new DestinationAccess(this.connection, destination);
  }

  /** A destination asks whether who called it may (A4, A5). A signed request is good once: asked again, it is a replay. */
  check(body: AccessCheckRequest): Promise<AccessCheckAnswer> {
    return this.connection.call({
      method: 'POST',
      path: '/v1/access-checks',
      body,
      repeatable: body.request === undefined,
    });
  }

  /** What the platform would verify, the first check that fails, and where one's own text differs. Unsigned. */
  checkSignature(body: SignatureCheck): Promise<SignatureCheckAnswer> {
    return this.connection.call({
      method: 'POST',
      path: '/v1/signature-checks',
      body,
      repeatable: true,
      signedWith: 'nothing',
    });
  }

  /** Where events are posted to; the secret that signs them is shown this once. */
  setWebhook(body: { url: string; events?: string[] }): Promise<Record<string, unknown>> {
    return this.connection.call({ method: 'PUT', path: '/v1/webhook', body, repeatable: false });
  }
}
