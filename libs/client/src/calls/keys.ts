import type { IssuedKey, KeyRotation, KeyView, Page, RotatedKey, SignatureAlgorithm } from '@lienthong/contracts';
import { type Call, type Connection, pathOf } from '../transport/connection';
import { everyItem } from './pages';

export interface OwnPublicKey {
  algorithms: SignatureAlgorithm[];
  publicKeyPem: string;
  expiresAt?: string;
}

/** The system's own keys (A0). Always signed with the access key: a session makes no keys. */
export class KeyCalls {
  constructor(private readonly connection: Pick<Connection, 'call'>) {}

  list(): AsyncGenerator<KeyView> {
    return everyItem((cursor) => this.call<Page<KeyView>>({ method: 'GET', path: '/v1/keys', query: { cursor } }));
  }

  /** Registers the public half of a pair that was made here. */
  register(body: OwnPublicKey): Promise<IssuedKey> {
    return this.call({ method: 'POST', path: '/v1/keys', body });
  }

  /** A new key in place of one, which goes on for the overlap. With HMAC the new secret is in the answer this once. */
  rotate(accessKey: string, body: KeyRotation = {}): Promise<RotatedKey> {
    return this.call({ method: 'POST', path: pathOf('v1', 'keys', accessKey, 'rotate'), body });
  }

  revoke(accessKey: string): Promise<void> {
    return this.call({ method: 'DELETE', path: pathOf('v1', 'keys', accessKey) });
  }

  private call<T>(call: Call): Promise<T> {
    return this.connection.call<T>({ ...call, signedWith: 'accessKey' });
  }
}
