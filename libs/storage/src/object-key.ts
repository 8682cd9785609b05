import { randomBytes } from 'node:crypto';
import type { StoredPart } from './storage';

const PACKET_ID = /^[0-9a-zA-Z][0-9a-zA-Z-]{0,63}$/;
const KEY = /^packets\/([0-9a-zA-Z][0-9a-zA-Z-]{0,63})\/([0-9]{1,5}-[0-9a-f]{32})$/;
const SHA256 = /^[A-Za-z0-9+/]{43}=$/;
/** Also keeps line breaks out of the Content-Type header that the store answers with. */
const MEDIA_TYPE = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/** Where the content of a round lies that was uploaded for it, as a packet of its own: a purge that was begun in a former round finds nothing of it. */
export const placeOf = (packetId: string, round: number): string => (round === 1 ? packetId : `${packetId}-${round}`);

/** A new key for a part of a packet: nothing of it comes from a client, and nobody can guess it. */
export function objectKey(packetId: string, ordinal: number, round = 1): string {
  const key = `packets/${placeOf(packetId, round)}/${ordinal}-${randomBytes(16).toString('hex')}`;
  splitKey(key);
  return key;
}

/** @returns the packet and the object's own name; the only way from a key to a path, so that no key can leave its folder (ASVS 5.3.2). */
export function splitKey(key: string): { packetId: string; name: string } {
  const match = KEY.exec(key);
  if (!match) throw new Error(`Not a key of this store: ${JSON.stringify(key)}`);
  return { packetId: match[1], name: match[2] };
}

/** Under which everything lies. */
export const ROOT = 'packets/';

/** @returns the prefix under which everything of a packet lies, and nothing of any other. */
export function packetPrefix(packetId: string): string {
  if (!PACKET_ID.test(packetId)) throw new Error(`Not a packet id: ${JSON.stringify(packetId)}`);
  return `packets/${packetId}/`;
}

/** Refuses a part that no address may be signed for: a programming error of the caller, not of a client. */
export function checkPart(part: StoredPart): void {
  splitKey(part.key);
  if (!Number.isSafeInteger(part.size) || part.size < 0) throw new Error(`Not a size in bytes: ${part.size}`);
  if (!SHA256.test(part.sha256)) throw new Error(`Not a SHA-256 in base64: ${JSON.stringify(part.sha256)}`);
  if (!MEDIA_TYPE.test(part.mediaType)) throw new Error(`Not a media type: ${JSON.stringify(part.mediaType)}`);
}

/** @returns the sizes in bytes of the pieces of a multipart upload, in order; an empty part has one empty piece. */
export function pieceSizes(size: number, partSize: number): number[] {
  const count = Math.max(1, Math.ceil(size / partSize));
  return Array.from({ length: count }, (_, index) => Math.min(partSize, size - index * partSize));
}
