import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadBucketCommand,
  type HeadObjectCommandOutput,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { LienThongError } from '@lienthong/contracts';
import { contentDisposition } from '../content-disposition';
import { checkPart, pieceSizes } from '../object-key';
import {
  type Finding,
  type MultipartAddresses,
  type PurgeReport,
  Storage,
  type StoredPart,
  type UploadAddress,
  partSizeOf,
} from '../storage';
import { S3Addresses } from './s3-addresses';
import { S3Connection, type S3Settings } from './s3-connection';
import { isRefusal, refusal } from './s3-errors';
import { findingOf, isMultipart, putHeaders, sealedKey } from './s3-headers';
import { type Abilities, openBucket } from './s3-open';
import { placesIn } from './s3-places';
import { MARKER, purgePacket } from './s3-purge';
import { copyVerified, hashObject } from './s3-seal';

export type { S3Settings } from './s3-connection';

/** Content in a bucket of any S3 server. What the server can be relied on for is found out by `open`, never assumed from its name. */
export class S3Storage extends Storage {
  readonly uploadsOutlivePurge = true;
  private readonly connection: S3Connection;
  private readonly addresses: S3Addresses;
  private readonly bucket: string;
  private abilities: Abilities | undefined;

  constructor(private readonly settings: S3Settings) {
    super();
    this.connection = new S3Connection(settings);
    this.bucket = settings.bucket;
    const { endpoint, publicEndpoint } = settings;
    this.addresses = new S3Addresses(this.connection.client, publicEndpoint || endpoint, settings.bucket, () =>
      this.clock.now(),
    );
  }

  async open(): Promise<void> {
    this.abilities = await openBucket(this.connection, this.settings, this.clock);
  }

  async close(): Promise<void> {
    this.connection.close();
  }

  async check(): Promise<void> {
    const command = new HeadBucketCommand({ Bucket: this.bucket });
    await this.connection.call((client, options) => client.send(command, options), 5_000);
  }

  override get failing(): boolean {
    return this.connection.circuit.isOpen;
  }

  async presignPut(part: StoredPart, expiresInSeconds: number): Promise<UploadAddress> {
    checkPart(part);
    const headers = putHeaders(part);
    return { url: await this.addresses.sign('PUT', part.key, {}, headers, expiresInSeconds), headers };
  }

  async presignMultipart(part: StoredPart, expiresInSeconds: number, uploadId?: string): Promise<MultipartAddresses> {
    checkPart(part);
    const known = uploadId !== undefined && (await this.isOpen(part, uploadId));
    const id = known ? uploadId : await this.beginMultipart(part);
    const partSize = partSizeOf(part.size);
    const urls = [];
    for (const [index, size] of pieceSizes(part.size, partSize).entries()) {
      const partNumber = index + 1;
      const headers = { 'content-length': String(size) };
      const query = { partNumber: String(partNumber), uploadId: id };
      urls.push({
        partNumber,
        url: await this.addresses.sign('PUT', part.key, query, headers, expiresInSeconds),
        headers,
      });
    }
    return { uploadId: id, partSize, urls };
  }

  async completeMultipart(part: StoredPart, uploadId: string, etags: string[]): Promise<Finding> {
    checkPart(part);
    if (etags.length !== pieceSizes(part.size, partSizeOf(part.size)).length) return 'missing';
    const command = new CompleteMultipartUploadCommand({
      Bucket: this.bucket,
      Key: part.key,
      UploadId: uploadId,
      MultipartUpload: { Parts: etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 })) },
    });
    try {
      await this.connection.callSlow((client) => client.send(command));
    } catch (error) {
      if (isRefusal(error, 'EntityTooSmall')) return 'size';
      if (isRefusal(error, 'InvalidPart', 'InvalidPartOrder', 'InvalidDigest', 'InvalidRequest')) return 'missing';
      // Completed by an earlier call, whose object is then there; or aborted, and it is not.
      if (!isRefusal(error, 'NoSuchUpload')) throw error;
    }
    return this.inspect(part);
  }

  async put(part: StoredPart, content: Buffer): Promise<void> {
    checkPart(part);
    const mismatch = (what: string, declared: string | number, actual: string | number) =>
      new LienThongError('content_mismatch', { part: part.key, what, declared, actual });
    const sha256 = createHash('sha256').update(content).digest('base64');
    if (content.length !== part.size) throw mismatch('size', part.size, content.length);
    if (sha256 !== part.sha256) throw mismatch('sha256', part.sha256, sha256);
    const command = new PutObjectCommand({
      Bucket: this.bucket,
      Key: this.known().digestsEnforced ? part.key : sealedKey(part),
      Body: content,
      ContentLength: part.size,
      ContentType: part.mediaType,
      ChecksumSHA256: part.sha256,
    });
    await this.connection.call((client, options) => client.send(command, options));
  }

  async inspect(part: StoredPart): Promise<Finding> {
    const head = await this.head(part.key);
    const elsewhere = !head && !this.known().digestsEnforced;
    return findingOf(part, elsewhere ? await this.head(sealedKey(part)) : head);
  }

  async seal(part: StoredPart): Promise<Finding> {
    checkPart(part);
    const { digestsEnforced } = this.known();
    // Only verified bytes are ever written to this key: copies that were hashed, and inline content.
    if (!digestsEnforced && findingOf(part, await this.head(sealedKey(part))) === 'whole') return 'whole';
    const head = await this.head(part.key);
    const finding = findingOf(part, head);
    if (finding !== 'whole' || !head) return finding;
    if (digestsEnforced && head.ChecksumSHA256 === part.sha256) return 'whole';
    // Nobody can write to it any more: the upload it came from is gone, or a PUT can only bring the same bytes.
    const inPlace = digestsEnforced || isMultipart(head);
    const content = { bucket: this.bucket, key: part.key, etag: head.ETag! };
    const { sha256, size } = inPlace
      ? await hashObject(this.connection, content)
      : await copyVerified(this.connection, content, sealedKey(part), part.sha256);
    if (size !== part.size) return 'size';
    return sha256 === part.sha256 ? 'whole' : 'digest';
  }

  async presignGet(part: StoredPart, expiresInSeconds: number, fileName: string): Promise<UploadAddress> {
    checkPart(part);
    const query = {
      'response-content-type': part.mediaType,
      'response-content-disposition': contentDisposition(fileName),
      'response-cache-control': 'private, no-store',
    };
    return {
      url: await this.addresses.sign('GET', await this.servedKey(part), query, {}, expiresInSeconds),
      headers: {},
    };
  }

  async read(part: StoredPart): Promise<Readable> {
    const command = new GetObjectCommand({ Bucket: this.bucket, Key: await this.servedKey(part) });
    try {
      const { Body } = await this.connection.callSlow((client) => client.send(command));
      return Body as Readable;
    } catch (error) {
      throw isRefusal(error, 'NoSuchKey', 'NotFound') ? new LienThongError('not_found') : error;
    }
  }

  purge(packetId: string, stored: StoredPart[] = []): Promise<PurgeReport> {
    const { versions, versioned, digestsEnforced } = this.known();
    // Elsewhere a part may be there under other keys, or more than once, and the report says what was there.
    const known = digestsEnforced && !versioned ? stored.map((part) => part.key) : [];
    return purgePacket(this.connection, this.bucket, packetId, { versions, known, clock: this.clock });
  }

  places(): AsyncIterable<string[]> {
    return placesIn(this.connection, this.bucket);
  }

  /** The key that nobody can write to any more. Where digests are enforced, or the object was put together from pieces, that is the part's own. */
  private async servedKey(part: StoredPart): Promise<string> {
    if (this.known().digestsEnforced) return part.key;
    if (await this.head(sealedKey(part))) return sealedKey(part);
    const head = await this.head(part.key);
    if (!head || !isMultipart(head)) throw new LienThongError('not_found');
    return part.key;
  }

  private async beginMultipart(part: StoredPart): Promise<string> {
    const marker = new PutObjectCommand({ Bucket: this.bucket, Key: part.key + MARKER, Body: '', ContentLength: 0 });
    await this.connection.call((client, options) => client.send(marker, options));
    const target = { Bucket: this.bucket, Key: part.key, ContentType: part.mediaType };
    const command = new CreateMultipartUploadCommand(target);
    const { UploadId } = await this.connection.call((client, options) => client.send(command, options));
    return UploadId!;
  }

  private async isOpen(part: StoredPart, uploadId: string): Promise<boolean> {
    const command = new ListPartsCommand({ Bucket: this.bucket, Key: part.key, UploadId: uploadId, MaxParts: 1 });
    try {
      await this.connection.call((client, options) => client.send(command, options));
      return true;
    } catch (error) {
      if (isRefusal(error, 'NoSuchUpload')) return false;
      throw error;
    }
  }

  private async head(key: string): Promise<HeadObjectCommandOutput | null> {
    const command = new HeadObjectCommand({ Bucket: this.bucket, Key: key, ChecksumMode: 'ENABLED' });
    try {
      return await this.connection.call((client, options) => client.send(command, options));
    } catch (error) {
      if (refusal(error).status === 404) return null;
      throw error;
    }
  }

  private known(): Abilities {
    if (!this.abilities) throw new Error('The storage has not been opened.');
    return this.abilities;
  }
}
