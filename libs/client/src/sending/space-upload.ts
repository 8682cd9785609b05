import { LienThongError, type UploadSpace } from '@lienthong/contracts';
import { jittered, type RetryLimits } from '../transport/retries';
import { setTimeout as sleep } from 'node:timers/promises';
import { inParallel } from './in-parallel';
import type { SourceFile } from './source-file';
import {
  addressRefused,
  type StorageAddress,
  storageMayRecover,
  type StorageRequests,
} from '../transport/storage-requests';

/** A file, or a piece of one, that one PUT stores. `number` counts from 1. */
interface Piece {
  part: string;
  number: number;
  start: number;
  length: number;
}

/** ETags by part and piece number: what is stored already. */
export type StoredPieces = Record<string, Record<number, string>>;

interface UploadOptions {
  sources: Map<string, SourceFile>;
  /** `POST /v1/packets/{id}/space`. */
  renew: () => Promise<UploadSpace>;
  limits: RetryLimits;
  /** Bytes that went out; negative when a try failed and begins again. */
  onBytes: (part: string, bytes: number) => void;
  onStored: (stored: StoredPieces) => Promise<void>;
  parallel: number;
  signal?: AbortSignal;
}

/** S3: puts the content into the space, pieces side by side, each tried again on trouble, with fresh addresses when the old ones are refused. */
export class SpaceUpload {
  private addresses: Map<string, StorageAddress>;
  private renewing: Promise<void> | undefined;

  constructor(
    private readonly storage: Pick<StorageRequests, 'put'>,
    private space: UploadSpace,
    private readonly options: UploadOptions,
  ) {
    this.addresses = addressesOf(space);
  }

  /** @returns the ETags, those given included; pieces given as stored are not sent again. */
  async run(stored: StoredPieces = {}): Promise<StoredPieces> {
    const all: StoredPieces = structuredClone(stored);
    const pieces = this.pieces();
    for (const piece of pieces) if (all[piece.part]?.[piece.number]) this.options.onBytes(piece.part, piece.length);
    const missing = pieces.filter((piece) => !all[piece.part]?.[piece.number]);
    await inParallel(
      this.options.parallel,
      missing,
      async (piece, signal) => {
        const etag = await this.store(piece, signal);
        (all[piece.part] ??= {})[piece.number] = etag;
        await this.options.onStored(all);
      },
      this.options.signal,
    );
    return all;
  }

  /** ETags in the order of the pieces, for `complete`; only of parts that went up in pieces. */
  etags(stored: StoredPieces): { part: string; etags: string[] }[] {
    return this.space.uploads.flatMap((upload) =>
      'urls' in upload
        ? [{ part: upload.part, etags: upload.urls.map(({ partNumber }) => stored[upload.part]?.[partNumber] ?? '') }]
        : [],
    );
  }

  async renew(): Promise<void> {
    this.renewing ??= this.options
      .renew()
      .then((space) => {
        this.space = space;
        this.addresses = addressesOf(space);
      })
      .finally(() => (this.renewing = undefined));
    await this.renewing;
  }

  private pieces(): Piece[] {
    return this.space.uploads.flatMap((upload): Piece[] => {
      const { part } = upload;
      const size = this.source(part).part.size;
      if (!('urls' in upload)) return [{ part, number: 1, start: 0, length: size }];
      return upload.urls.map(({ partNumber }) => {
        const start = (partNumber - 1) * upload.partSize;
        return { part, number: partNumber, start, length: Math.min(upload.partSize, size - start) };
      });
    });
  }

  private async store(piece: Piece, signal: AbortSignal): Promise<string> {
    const { limits } = this.options;
    for (let tries = 1; ; tries += 1) {
      const address = this.addresses.get(nameOf(piece));
      let sent = 0;
      try {
        if (!address) throw new LienThongError('upload_refused');
        const counted = this.counted(piece, (bytes) => (sent += bytes));
        return await this.storage.put(address, piece.length, counted, signal);
      } catch (error) {
        this.options.onBytes(piece.part, -sent);
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') throw this.changed(piece, sent);
        const refused = addressRefused(error);
        if (tries >= limits.attempts || !(refused || storageMayRecover(error))) throw error;
        if (!refused) await sleep(jittered(limits, tries), undefined, { signal });
        // Storage that refuses an old address in the middle of a body closes the connection: from here that looks like a broken network.
        const stale = address === this.addresses.get(nameOf(piece));
        if (stale && (refused || tries > 1)) await this.renew();
      }
    }
  }

  private async *counted(piece: Piece, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.source(piece.part).read(piece.start, piece.length)) {
      count(chunk.length);
      this.options.onBytes(piece.part, chunk.length);
      yield chunk;
    }
  }

  private changed({ part, length }: Piece, sent: number): LienThongError {
    return new LienThongError('content_mismatch', { part, what: 'size', declared: length, actual: sent });
  }

  private source(part: string): SourceFile {
    const source = this.options.sources.get(part);
    if (!source) throw new LienThongError('content_incomplete', { parts: part });
    return source;
  }
}

function addressesOf({ uploads }: UploadSpace): Map<string, StorageAddress> {
  const addresses = new Map<string, StorageAddress>();
  for (const upload of uploads) {
    if (!('urls' in upload)) addresses.set(nameOf({ part: upload.part, number: 1 }), upload);
    else for (const url of upload.urls) addresses.set(nameOf({ part: upload.part, number: url.partNumber }), url);
  }
  return addresses;
}

const nameOf = ({ part, number }: { part: string; number: number }): string => `${number} ${part}`;
