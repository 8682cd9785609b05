import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LienThongError } from '@lienthong/contracts';

/** A file received but not yet in its place. */
export interface ReceivedFile {
  path: string;
  size: number;
  sha256: Buffer;
}

/** More bytes came than were announced; whoever reads stops at the first of them. */
export class TooLong extends Error {}
/** A piece is absent, or is not the one that the etag names. */
export class PieceMissing extends Error {}

/**
 * Streams into a temporary file of `folder`, hashing, and syncs it to disk. At most `limit` bytes; memory does not grow with the size.
 * @throws TooLong, `storage_full`, `upload_refused` when the folder is not (any more) there, or what the source throws; the temporary file is then gone
 */
export async function receiveFile(source: AsyncIterable<Buffer>, folder: string, limit: number): Promise<ReceivedFile> {
  const path = join(folder, `receiving-${randomBytes(16).toString('hex')}`);
  const hash = createHash('sha256');
  let size = 0;
  async function* measured() {
    for await (const chunk of source) {
      size += chunk.length;
      if (size > limit) throw new TooLong();
      hash.update(chunk);
      yield chunk;
    }
  }
  try {
    await pipeline(measured, createWriteStream(path, { flags: 'wx', flush: true }));
    return { path, size, sha256: hash.digest() };
  } catch (error) {
    await rm(path, { force: true });
    throw storageError(error);
  }
}

/** Puts a received file in its place, atomically and durably. */
export async function keepFile(received: ReceivedFile, place: string): Promise<void> {
  try {
    await rename(received.path, place);
    await syncFolder(dirname(place));
  } catch (error) {
    await rm(received.path, { force: true });
    throw storageError(error);
  }
}

/** Makes a folder whose existence survives a power failure. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true }).catch((error) => Promise.reject(storageError(error)));
  if (first === undefined) return;
  const outermost = resolve(first);
  for (let made = resolve(path); made.length >= outermost.length; made = dirname(made)) await syncFolder(dirname(made));
}

const SHA256_HEX = /^[0-9a-f]{64}$/;
/** Pieces are read in large strides: every one is a trip to another thread. */
const STRIDE_BYTES = 1024 * 1024;

/**
 * Puts a received piece beside the others, under its number and its digest: a file of that name never holds other bytes, so whoever puts the pieces together
 * need not prove them again one by one. Takes the place of what was uploaded for that number before; two uploads of different bytes for one number at the
 * same time may take each other away, and the piece is then missing.
 * @returns its etag
 */
export async function keepPiece(received: ReceivedFile, folder: string, partNumber: number): Promise<string> {
  const etag = received.sha256.toString('hex');
  const name = `${partNumber}-${etag}`;
  await keepFile(received, join(folder, name));
  // The folder is gone when the packet was purged, or its upload completed, meanwhile.
  const names = await readdir(folder).catch(() => []);
  const former = names.filter((other) => other.startsWith(`${partNumber}-`) && other !== name);
  for (const other of former) await rm(join(folder, other), { force: true });
  return etag;
}

/** The pieces of a multipart upload one after the other. @throws PieceMissing at the first that is not there as its etag says */
export async function* readPieces(folder: string, etags: string[]): AsyncGenerator<Buffer> {
  for (const [index, quoted] of etags.entries()) {
    const etag = quoted.replace(/^"|"$/g, '');
    if (!SHA256_HEX.test(etag)) throw new PieceMissing();
    try {
      const piece = createReadStream(join(folder, `${index + 1}-${etag}`), { highWaterMark: STRIDE_BYTES });
      for await (const chunk of piece) yield chunk as Buffer;
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new PieceMissing() : error;
    }
  }
}

/** Windows cannot open a folder as a file, and writes its entries through. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}

function storageError(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return Object.assign(new LienThongError('storage_full'), { cause: error });
  // Only a signed request for an address makes a packet's folder: without one the packet was purged, and nothing may come back.
  if (code === 'ENOENT') return Object.assign(new LienThongError('upload_refused'), { cause: error });
  return error;
}
