import { open, seal, secretContext } from '@lienthong/persistence';

type Owner = { accessKey: string; systemId: string | null };

/** Seals the secrets of HMAC keys under the master key. Only auth (and standalone) has one: nobody else can open a secret. */
export class SecretBox {
  /** @param masterKey 32 bytes */
  constructor(private readonly masterKey: Buffer) {}

  seal(owner: Owner, secretKey: string): Buffer {
    return seal(this.masterKey, Buffer.from(secretKey), secretContext(owner.accessKey, owner.systemId));
  }

  /** @throws Error under another master key, or when the secret was moved from another key */
  open(owner: Owner, sealed: Buffer): string {
    return open(this.masterKey, sealed, secretContext(owner.accessKey, owner.systemId)).toString();
  }
}

/** @returns the 32 bytes of a master key written in hex, base64 or base64url; undefined when it is none */
export function masterKeyOf(text: string): Buffer | undefined {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64url');
  return bytes.length === 32 && /^[\w+/=-]+$/.test(text) ? bytes : undefined;
}
