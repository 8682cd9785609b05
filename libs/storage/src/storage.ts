import type { Readable } from 'node:stream';

/** One part of a packet, as its source declared it and where it lies. `size` in bytes, `sha256` standard base64. */
export interface StoredPart {
  /** `packets/<packet id>/<ordinal>-<128 random bits>`, of a later round `packets/<packet id>-<round>/…`: made by `objectKey`, never from a client's file name. */
  key: string;
  size: number;
  sha256: string;
  mediaType: string;
}

export interface UploadAddress {
  url: string;
  headers: Record<string, string>;
}
export interface MultipartAddresses {
  uploadId: string;
  partSize: number;
  urls: (UploadAddress & { partNumber: number })[];
}

/** What a part is found to be: `whole` = present, same size, and (where the store enforces it) the same digest. */
export type Finding = 'whole' | 'missing' | 'size' | 'digest';

export interface PurgeReport {
  /** Keys (with version ids where there are any) that were deleted. */
  removed: string[];
  /** Unfinished multipart uploads that were aborted. */
  aborted: number;
  /** Where was looked last, and nothing was found. `versions` only of a store that can have some. */
  checked: ('objects' | 'versions' | 'uploads')[];
  /** When the last of it was deleted; null when there was nothing. ISO time. */
  deletedAt: string | null;
  /** When the store last answered that nothing is left under the prefix: no object, no version, no upload. ISO time. */
  verifiedAbsentAt: string;
}

/** The store answered, and would not delete: object lock, a legal hold, a missing right. Content is still there, and so not purged. */
export class ContentKept extends Error {
  override readonly name = 'ContentKept';

  /** @param left how many objects are still there @param why the refusal as the store named it */
  constructor(
    packetId: string,
    readonly left: number,
    readonly why: string,
  ) {
    super(
      `Content of packet ${packetId} is still there after it was to be deleted: ${left} objects (${why || 'no refusal'}).`,
    );
  }
}

/** Milliseconds since 1970. */
export interface Clock {
  now(): number;
}

/**
 * Where content waits between source and destination. Content goes straight between the clients and the store; processes of the
 * platform only sign addresses, and read what they must verify. A behaviour is promised only if it is in the conformance suite.
 */
export abstract class Storage {
  /** True where an upload address that has not expired can bring its own, declared bytes back after a purge: then the purge is repeated after the last has expired. */
  abstract readonly uploadsOutlivePurge: boolean;
  /** What the ends of addresses and the times of a report go by. */
  clock: Clock = Date;

  /** Makes what it needs (bucket, folders), checks the settings (credentials, versioning, whether digests are enforced). Throws with one clear sentence. */
  abstract open(): Promise<void>;
  abstract close(): Promise<void>;
  /** Rejects when the store cannot be reached (S3: after 5 s at most); for readiness. */
  abstract check(): Promise<void>;
  /** True while too many of this process's calls go unanswered: no time to give out addresses. A store in this machine's files answers always. */
  get failing(): boolean {
    return false;
  }

  /** An address for one PUT of exactly this part: another size, another digest, another key or a later time is refused by the store, or found by `inspect`/`seal`. */
  abstract presignPut(part: StoredPart, expiresInSeconds: number): Promise<UploadAddress>;

  /**
   * Begins a multipart upload, or renews the addresses of one (`uploadId`; pieces already there stay). When that one is no more, because it was
   * completed with the wrong content, another is begun: keep the `uploadId` of the answer. Part sizes: see `partSizeOf`.
   */
  abstract presignMultipart(part: StoredPart, expiresInSeconds: number, uploadId?: string): Promise<MultipartAddresses>;
  /** Puts the uploaded pieces together. Calling it again after it succeeded succeeds. `missing` when pieces are absent or an etag is wrong. The digest may be known only to `seal`. */
  abstract completeMultipart(part: StoredPart, uploadId: string, etags: string[]): Promise<Finding>;

  /** Stores a small part (inline content), at once sealed; durable when it returns. @throws `content_mismatch` if it is not of the size and digest of `part`, `storage_full`, `unavailable` */
  abstract put(part: StoredPart, content: Buffer): Promise<void>;

  /** Cheap look at an upload, without reading the content: is it there, whole? For the answer to `complete`. */
  abstract inspect(part: StoredPart): Promise<Finding>;

  /**
   * Makes the part immutable and proves its digest: after `whole`, what `presignGet` serves has exactly `part.size` bytes and `part.sha256`,
   * whatever anybody still does with old upload addresses. Copies to a key that no client can write where the store does not enforce digests.
   * May run twice. Reads the content only where the digest is not enforced by the store (multipart; other backends).
   */
  abstract seal(part: StoredPart): Promise<Finding>;

  /** An address to fetch the sealed part, ranges served, with the part's media type; only GET, only this key. Valid for at most `expiresInSeconds`. */
  abstract presignGet(part: StoredPart, expiresInSeconds: number, fileName: string): Promise<UploadAddress>;

  /** The sealed content as a stream, for analysis and tests. @throws `not_found` if absent, or not sealed where sealing makes a copy */
  abstract read(part: StoredPart): Promise<Readable>;

  /**
   * Deletes everything of a packet in one place (`placeOf`; sealed, uploads, versions, unfinished multiparts), then looks again. @throws ContentKept unless the store answered that nothing is left. Idempotent.
   * @param stored parts that were put or uploaded in one piece and found whole, so that a store need not look for them first; fewer or none is right too,
   * for whatever else is there is found by the look that follows
   */
  abstract purge(packetId: string, stored?: StoredPart[]): Promise<PurgeReport>;

  /**
   * Every place (`placeOf`) that has anything in it now, in pages of 1,000 at most, in no order: for who compares the store with the record. What comes or goes
   * meanwhile may be told or not. @throws `unavailable`
   */
  abstract places(): AsyncIterable<string[]>;
}

/** @returns bytes of each piece of a multipart upload: at least 16 MiB, at most 1,000 pieces. */
export function partSizeOf(size: number): number {
  const MiB = 1024 * 1024;
  return Math.max(16 * MiB, Math.ceil(size / 1000 / MiB) * MiB);
}
