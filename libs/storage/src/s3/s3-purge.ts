import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  type ObjectIdentifier,
} from '@aws-sdk/client-s3';
import { packetPrefix } from '../object-key';
import type { PurgeReport } from '../storage';
import type { S3Connection } from './s3-connection';
import { isRefusal } from './s3-errors';

/**
 * Stands beside an object for which a multipart upload was begun. Unfinished uploads are in no list of objects, and some stores (MinIO)
 * list them only by the whole key: so whoever purges finds the keys here, and asks for uploads only where there can be some.
 */
export const MARKER = '.multipart';

const BATCH = 1000;
const ROUNDS = 3;

/** What is under a prefix: objects, old versions and delete markers. `versions: false` for a store that has none and cannot list them. */
export async function listObjects(
  connection: S3Connection,
  bucket: string,
  prefix: string,
  versions: boolean,
): Promise<ObjectIdentifier[]> {
  const found: ObjectIdentifier[] = [];
  const input = { Bucket: bucket, Prefix: prefix };
  if (!versions) {
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({ ...input, ContinuationToken: token });
      const page = await connection.call((client, options) => client.send(command, options));
      for (const { Key } of page.Contents ?? []) found.push({ Key });
      token = page.NextContinuationToken;
    } while (token);
    return found;
  }
  let from: { KeyMarker?: string; VersionIdMarker?: string } | null = {};
  while (from) {
    const command: ListObjectVersionsCommand = new ListObjectVersionsCommand({ ...input, ...from });
    const page = await connection.call((client, options) => client.send(command, options));
    for (const { Key, VersionId } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])])
      found.push({ Key, VersionId });
    from = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : null;
  }
  return found;
}

/** Three calls for an ordinary packet: list, delete, list again. @throws unless the last list is empty */
export async function purgePacket(
  connection: S3Connection,
  bucket: string,
  packetId: string,
  versions: boolean,
): Promise<PurgeReport> {
  const prefix = packetPrefix(packetId);
  const removed = new Set<string>();
  let aborted = 0;
  let refused = '';
  let left = await listObjects(connection, bucket, prefix, versions);
  for (let round = 0; left.length > 0 && round < ROUNDS; round++) {
    const keys = new Set(left.map(({ Key }) => Key!).filter((key) => key.endsWith(MARKER)));
    for (const key of keys) aborted += await abortUploads(connection, bucket, key.slice(0, -MARKER.length));
    for (let start = 0; start < left.length; start += BATCH) {
      const Objects = left.slice(start, start + BATCH);
      const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } });
      const { Errors } = await connection.call((client, options) => client.send(command, options));
      refused = Errors?.[0] ? `${Errors[0].Code} for ${Errors[0].Key}` : refused;
    }
    for (const { Key, VersionId } of left)
      if (!Key!.endsWith(MARKER))
        removed.add(VersionId && VersionId !== 'null' ? `${Key}?versionId=${VersionId}` : Key!);
    left = await listObjects(connection, bucket, prefix, versions);
  }
  if (left.length > 0)
    throw new Error(
      `Content of packet ${packetId} is still there after it was deleted (${left.length} objects; ${refused}).`,
    );
  return { removed: [...removed], aborted, verifiedAbsentAt: new Date().toISOString() };
}

/** @returns how many; throws unless the store then lists none */
async function abortUploads(connection: S3Connection, bucket: string, key: string): Promise<number> {
  const uploads = async () => {
    const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key });
    const page = await connection.call((client, options) => client.send(command, options));
    return (page.Uploads ?? []).filter((upload) => upload.Key === key);
  };
  let aborted = 0;
  let left = await uploads();
  for (let round = 0; left.length > 0 && round < ROUNDS; round++) {
    for (const { UploadId } of left) {
      const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId });
      await connection
        .call((client, options) => client.send(command, options))
        .catch((error) => (isRefusal(error, 'NoSuchUpload') ? undefined : Promise.reject(error)));
      aborted++;
    }
    left = await uploads();
  }
  if (left.length > 0) throw new Error(`An unfinished upload to ${key} is still there after it was aborted.`);
  return aborted;
}
