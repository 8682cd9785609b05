import { deriveKey, open, seal, secretContext } from '@lienthong/persistence';
import { logContext } from '@lienthong/runtime';
import { randomBytes } from 'node:crypto';

type Owner = { accessKey: string; systemId: string | null };

const NOBODY: Owner = { accessKey: 'nobody', systemId: null };

/** First byte of an envelope; 1 is a plain box of `seal`, which is what the first release wrote. */
const ENVELOPE = 2;
const ID_BYTES = 8;
/** A wrapped data key: version, IV, tag and 32 bytes. */
const WRAPPED_BYTES = 1 + 12 + 16 + 32;
const HEAD_BYTES = 1 + ID_BYTES;

export class WrongMasterKeyError extends Error {
  override readonly name = 'WrongMasterKeyError';
  override readonly message = 'This secret is sealed under another master key.';
}

/** The first bytes of every envelope under this master key: what the database is asked by. It says nothing of the key (HKDF). */
export const masterKeyMark = (masterKey: Buffer): Buffer =>
  Buffer.concat([Buffer.of(ENVELOPE), deriveKey(masterKey, 'master-key-id').subarray(0, ID_BYTES)]);

/**
 * Seals the secrets of HMAC keys: envelope encryption with AES-256-GCM (NIST SP 800-38D). Each secret has a data key of its own, which is wrapped under
 * the master key; access key and system are bound into both tags. Only auth (and standalone) has a master key: nobody else can open a secret.
 */
export class SecretBox {
  private readonly masters: ReadonlyMap<string, Buffer>;
  /** {@link masterKeyMark} of the master key that seals. */
  readonly mark: Buffer;
  private nothing?: Buffer;

  /**
   * @param masterKey 32 bytes; seals and opens
   * @param others 32 bytes each; open only: the former or the next master key while one is exchanged for the other
   */
  constructor(
    private readonly masterKey: Buffer,
    others: readonly Buffer[] = [],
  ) {
    this.mark = masterKeyMark(masterKey);
    this.masters = new Map([masterKey, ...others].map((key) => [markOf(masterKeyMark(key)), key]));
  }

  seal(owner: Owner, secretKey: string | Buffer): Buffer {
    const dataKey = randomBytes(32);
    const wrapped = seal(this.masterKey, dataKey, wrapContext(owner));
    return Buffer.concat([this.mark, wrapped, seal(dataKey, Buffer.from(secretKey), context(owner))]);
  }

  /** @throws Error under another master key, or when the secret was moved from another key or system */
  open(owner: Owner, sealed: Buffer): string {
    return this.bytes(owner, sealed).toString();
  }

  /**
   * As {@link open}, for what a caller named: a row that was moved from another key, or damaged, has no secret that could fit.
   * @returns undefined then; the request's log line says so
   * @throws WrongMasterKeyError
   */
  openIfWhole(owner: Owner, sealed: Buffer): string | undefined {
    try {
      return this.open(owner, sealed);
    } catch (error) {
      if (error instanceof WrongMasterKeyError) throw error;
      logContext().add({ damagedSecretOf: owner.accessKey });
      return undefined;
    }
  }

  /** A secret that nobody has, at the cost of opening one: an unknown key must take as long as a wrong signature (protocol 3). */
  openNothing(): string {
    this.nothing ??= this.seal(NOBODY, randomBytes(32).toString('base64url'));
    return this.open(NOBODY, this.nothing);
  }

  /** As {@link open}, for a secret that is no text. */
  bytes(owner: Owner, sealed: Buffer): Buffer {
    if (sealed[0] !== ENVELOPE) return this.fromFirstRelease(owner, sealed);
    return open(this.dataKey(owner, sealed), sealed.subarray(HEAD_BYTES + WRAPPED_BYTES), context(owner));
  }

  /** The same secret under the master key that seals now: only its data key is wrapped anew. @throws Error as {@link open} */
  rewrap(owner: Owner, sealed: Buffer): Buffer {
    if (sealed[0] !== ENVELOPE) return this.seal(owner, this.fromFirstRelease(owner, sealed));
    const wrapped = seal(this.masterKey, this.dataKey(owner, sealed), wrapContext(owner));
    return Buffer.concat([this.mark, wrapped, sealed.subarray(HEAD_BYTES + WRAPPED_BYTES)]);
  }

  /** Whether one of the master keys here is the one of this {@link masterKeyMark}. */
  knows(mark: Buffer): boolean {
    return this.masters.has(markOf(mark));
  }

  private dataKey(owner: Owner, sealed: Buffer): Buffer {
    const master = this.masters.get(markOf(sealed));
    if (!master) throw new WrongMasterKeyError();
    return open(master, sealed.subarray(HEAD_BYTES, HEAD_BYTES + WRAPPED_BYTES), wrapContext(owner));
  }

  private fromFirstRelease({ accessKey, systemId }: Owner, sealed: Buffer): Buffer {
    for (const master of this.masters.values()) {
      try {
        return open(master, sealed, secretContext(accessKey, systemId));
      } catch {
        // The next master key, or the error below.
      }
    }
    throw new WrongMasterKeyError();
  }
}

const markOf = (sealed: Buffer): string => sealed.subarray(0, HEAD_BYTES).toString('hex');
const context = ({ accessKey, systemId }: Owner): string => `secret ${ENVELOPE} ${secretContext(accessKey, systemId)}`;
const wrapContext = (owner: Owner): string => `data key of ${context(owner)}`;
