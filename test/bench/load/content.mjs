// Bytes to send: a buffer per lane, with other bytes for each packet, so that no store can answer from a copy it has.
import { createHash, randomBytes, randomFillSync } from 'node:crypto';

export class Content {
  #buffers;

  constructor(bytes, lanes) {
    this.#buffers = Array.from({ length: lanes }, () => randomBytes(bytes));
  }

  get lanes() {
    return this.#buffers.length;
  }

  /** The lane's buffer with a fresh beginning; the lane's packet before must have arrived. */
  fresh(lane) {
    const buffer = this.#buffers[lane];
    randomFillSync(buffer, 0, Math.min(32, buffer.length));
    return buffer;
  }
}

export const sha256 = (buffer) => createHash('sha256').update(buffer).digest('base64');

/** @throws when the bytes of the stream are not those of the digest */
export async function checkDigest(stream, expected) {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  if (hash.digest('base64') !== expected) throw new Error('the content fetched has another digest');
}
