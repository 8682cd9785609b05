import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type Storage, type StoredPart, objectKey } from '@lienthong/storage';
import { put } from './http';

/** A driver under test, opened, on a server or folder of its own. */
export interface Subject {
  storage: Storage;
  /** False for a store that takes any bytes under a signed address: they must then be found, not refused. */
  refusesOtherBytes: boolean;
  /** How often a server of the test's own, in this process, holds a body in memory. */
  heldByServer?: number;
  stop(): Promise<void>;
}

export interface Content {
  packetId: string;
  part: StoredPart;
  bytes: Buffer;
}

export const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64');

/** A part of a new packet (or of `packetId`) with random content. */
export function newContent(
  size = 1000,
  { packetId = randomUUID() as string, mediaType = 'application/xml' } = {},
): Content {
  const bytes = randomBytes(size);
  return { packetId, bytes, part: { key: objectKey(packetId, 0), size, sha256: digest(bytes), mediaType } };
}

/** The same size, one bit changed. */
export function altered(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[Math.floor(copy.length / 2)] ^= 1;
  return copy;
}

/** Uploads as a source does, and seals as the platform does. */
export async function accepted(storage: Storage, content = newContent()): Promise<Content> {
  const status = await put(await storage.presignPut(content.part, 60), content.bytes);
  const finding = await storage.seal(content.part);
  if (status !== 200 || finding !== 'whole') throw new Error(`The upload was answered ${status} and found ${finding}.`);
  return content;
}

export async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Asks until the answer is `wanted`, at most ten seconds. @returns the last answer */
export async function until<T>(wanted: T, look: () => Promise<T>): Promise<T> {
  const end = Date.now() + 10_000;
  let found = await look();
  while (found !== wanted && Date.now() < end) found = await look();
  return found;
}
