import { createHash, randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { CopyObjectCommand, DeleteObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3';
import { LienThongError } from '@lienthong/contracts';
import type { S3Connection } from './s3-connection';
import { isRefusal } from './s3-errors';

interface Content {
  bucket: string;
  key: string;
  /** The content that was looked at: reading and copying are refused for any other under the same key. */
  etag: string;
}
interface Digest {
  size: number;
  sha256: string;
}

/** Reads the object once, in a stream. @throws `unavailable` when it changed meanwhile: the work is done again */
export async function hashObject(connection: S3Connection, { bucket, key, etag }: Content): Promise<Digest> {
  const command = new GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: etag });
  const { Body } = await connection.callSlow((client) => client.send(command)).catch(changed);
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of Body as Readable) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { size, sha256: hash.digest('base64') };
}

/**
 * For a store that does not enforce digests. The client may write to its own key at any time, so the content is copied to a key of nobody's, hashed
 * there, and copied to `sealed` only if it is right. Every write to `sealed` thus brings the same verified bytes, also when two processes do this at once.
 */
export async function copyVerified(
  connection: S3Connection,
  content: Content,
  sealed: string,
  sha256: string,
): Promise<Digest> {
  const { bucket } = content;
  const key = `${sealed}.${randomBytes(8).toString('hex')}`;
  try {
    const copy = { bucket, key, etag: await copyObject(connection, content, key) };
    const digest = await hashObject(connection, copy);
    if (digest.sha256 === sha256) await copyObject(connection, copy, sealed);
    return digest;
  } finally {
    const command = new DeleteObjectCommand({ Bucket: bucket, Key: key });
    await connection.call((client, options) => client.send(command, options));
  }
}

/** @returns the copy's etag */
async function copyObject(connection: S3Connection, { bucket, key, etag }: Content, to: string): Promise<string> {
  const from = { CopySource: `${bucket}/${key}`, CopySourceIfMatch: etag };
  const command = new CopyObjectCommand({ Bucket: bucket, Key: to, ...from });
  const { CopyObjectResult } = await connection.callSlow((client) => client.send(command)).catch(changed);
  return CopyObjectResult!.ETag!;
}

function changed(error: unknown): never {
  if (!isRefusal(error, 'PreconditionFailed', 'NoSuchKey')) throw error;
  throw Object.assign(new LienThongError('unavailable', { what: 'storage', retryAfter: 1 }), { cause: error });
}
