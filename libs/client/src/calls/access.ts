import type { SignatureCheck, SignatureCheckAnswer } from '@lienthong/contracts';
import type { Connection } from '../transport/connection';

export interface AccessCheckRequest {
  accessToken: string;
  /** The source's request to this system; with its `signature-input` and `signature` among the headers these are verified too. */
  request: { method: string; path: string; query: string; headers: Record<string, string> };
}
export type AccessCheckAnswer =
  | { active: true; source: { systemId: string; agencyCode: string; name: string }; expiresAt: string }
  | { active: false; code: string };

/** Authentication between two systems over the platform (A1–A5) and help with signing (protocol 4). */
export class AccessCalls {
  constructor(private readonly connection: Pick<Connection, 'call'>) {}

  /** A destination asks whether who called it may (A4, A5). */
  check(body: AccessCheckRequest): Promise<AccessCheckAnswer> {
    return this.connection.call({ method: 'POST', path: '/v1/access-checks', body, repeatable: true });
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
