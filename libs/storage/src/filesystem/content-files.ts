import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
  if (first !== undefined) await syncFolder(dirname(path));
}

/** The pieces of a multipart upload one after the other. @throws PieceMissing after the piece that is not what its etag says */
export async function* readPieces(folder: string, etags: string[]): AsyncGenerator<Buffer> {
  for (const [index, etag] of etags.entries()) {
    const hash = createHash('sha256');
    try {
      for await (const chunk of createReadStream(join(folder, String(index + 1)))) {
        hash.update(chunk as Buffer);
        yield chunk as Buffer;
      }
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new PieceMissing() : error;
    }
    if (hash.digest('hex') !== etag.replace(/^"|"$/g, '')) throw new PieceMissing();
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
