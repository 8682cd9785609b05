import type {
  AccessCheckAnswer,
  AccessCheckRequest,
  SignatureCheck,
  SignatureCheckAnswer,
  TokenAnswer,
} from '@lienthong/contracts';
import type { Connection } from '../transport/connection';
import { DestinationAccess } from './destination-access';

/** Authentication between two systems over the platform (A1–A5) and help with signing (protocol 4). */
export class AccessCalls {
  constructor(private readonly connection: Pick<Connection, 'call' | 'openSession' | 'proof'>) {}

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

  /**
   * An OAuth 2 token (A7) for a program that cannot sign, by this client's key: with HTTP Basic, or `private_key_jwt` when it is an RSA key.
   * @param scope data types; without it all that the system is granted
   * @throws PlatformError with the code of RFC 6749 5.2 in `problem.code`: `invalid_client`, `unauthorized_client`, `invalid_scope`
   */
  async token({ scope }: { scope?: string[] } = {}): Promise<TokenAnswer> {
    const { form, headers, once } = await this.connection.proof(() => this.issuer());
    return this.connection.call({
      method: 'POST',
      path: '/oauth2/token',
      form: { grant_type: 'client_credentials', ...(scope && { scope: scope.join(' ') }), ...form },
      headers,
      repeatable: !once,
      signedWith: 'nothing',
    });
  }

  private async issuer(): Promise<string> {
    const path = '/.well-known/oauth-authorization-server';
    return (await this.connection.call<{ issuer: string }>({ method: 'GET', path, signedWith: 'nothing' })).issuer;
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
