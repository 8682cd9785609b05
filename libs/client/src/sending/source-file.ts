import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type { Part } from '@lienthong/contracts';
import { distinctNames } from '../receiving/file-names';
import { mediaTypeOf } from './media-types';

/** A path, or a file with a name of its own, on disk (`path`) or in memory (`buffer`). */
export type FileToSend = string | FileOnDisk | FileInMemory;
interface FileOnDisk {
  path: string;
  /** Default: the file's own name. */
  name?: string;
  mediaType?: string;
}
interface FileInMemory {
  buffer: Uint8Array;
  name: string;
  mediaType?: string;
}

/** A part and where its bytes come from. */
export interface SourceFile {
  part: Part;
  path: string | undefined;
  /** Bytes `start` to `start + length - 1`, read as they are needed. */
  read(start: number, length: number): AsyncIterable<Uint8Array>;
}

/** Size and SHA-256 of each file by reading it once; nothing is held in memory. */
export async function describeFiles(
  files: FileToSend[],
  onBytes: (part: string, bytes: number) => void,
  signal?: AbortSignal,
): Promise<SourceFile[]> {
  const described: SourceFile[] = [];
  const given = files.map((file): FileOnDisk | FileInMemory => (typeof file === 'string' ? { path: file } : file));
  const names = distinctNames(given.map((file) => ('path' in file ? (file.name ?? basename(file.path)) : file.name)));
  for (const [index, file] of given.entries()) {
    const name = names[index];
    const read = 'buffer' in file ? bufferReader(file.buffer) : diskReader(file.path, signal);
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of read(0, Infinity)) {
      hash.update(chunk);
      size += chunk.length;
      onBytes(name, chunk.length);
    }
    const mediaType = file.mediaType ?? mediaTypeOf(name);
    const path = 'path' in file ? file.path : undefined;
    described.push({ part: { name, mediaType, size, sha256: hash.digest('base64') }, path, read });
  }
  return described;
}

type Reader = SourceFile['read'];

const bufferReader = (buffer: Uint8Array): Reader =>
  async function* (start, length) {
    if (buffer.length > start) yield buffer.subarray(start, start + length);
  };

const diskReader =
  (path: string, signal?: AbortSignal): Reader =>
  (start, length) =>
    createReadStream(path, { start, end: start + length - 1, highWaterMark: 256 * 1024, signal });
