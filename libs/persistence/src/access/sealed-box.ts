import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** A 32-byte key for one purpose from a longer secret (HKDF-SHA-256, RFC 5869): a key that leaks says nothing of the others. */
export function deriveKey(secret: string | Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'lienthong', purpose, 32));
}

/**
 * AES-256-GCM (NIST SP 800-38D): version byte, 96-bit random IV, 128-bit tag, ciphertext.
 * @param key 32 bytes
 * @param context bound into the tag: a box that is moved to another row does not open
 */
export function seal(key: Uint8Array, plain: Uint8Array, context: string): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(context));
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), iv, cipher.getAuthTag(), text]);
}

/** @throws Error when the key, the context or a bit of the box is another than at sealing */
export function open(key: Uint8Array, box: Uint8Array, context: string): Buffer {
  if (box[0] !== VERSION || box.length < 1 + IV_BYTES + TAG_BYTES) throw new Error('This is not a sealed box.');
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(1, 1 + IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(box.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(box.subarray(1 + IV_BYTES + TAG_BYTES)), decipher.final()]);
}
