import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  type ObjectIdentifier,
} from '@aws-sdk/client-s3';
import { packetPrefix } from '../object-key';
import { type Clock, ContentKept, type PurgeReport } from '../storage';
import type { S3Connection } from './s3-connection';
import { isRefusal, refusal } from './s3-errors';

/**
 * Stands beside an object for which a multipart upload was begun. Unfinished uploads are in no list of objects, and some stores (MinIO)
 * list them only by the whole key: so whoever purges finds the keys here, and asks for uploads only where there can be some.
 */
export const MARKER = '.multipart';

const TRIES = 3;

/** The first thousand of what is under a prefix: objects, old versions and delete markers. `versions: false` for a store that has none and cannot list them. */
export async function listObjects(
  connection: S3Connection,
  bucket: string,
  prefix: string,
  versions: boolean,
): Promise<ObjectIdentifier[]> {
  const input = { Bucket: bucket, Prefix: prefix };
  if (!versions) {
    const page = await connection.call((client, options) => client.send(new ListObjectsV2Command(input), options));
    return (page.Contents ?? []).map(({ Key }) => ({ Key }));
  }
  const page = await connection.call((client, options) => client.send(new ListObjectVersionsCommand(input), options));
  return [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({ Key, VersionId }));
}

/**
 * Two calls for an ordinary packet whose objects are known: delete, list. Three for any other: list, delete, list. What is believed to lie there only saves
 * the first look; the last one is at everything under the prefix.
 * @throws ContentKept unless the last list is empty
 */
export async function purgePacket(
  connection: S3Connection,
  bucket: string,
  packetId: string,
  { versions, clock, known = [] }: { versions: boolean; clock: Clock; known?: string[] },
): Promise<PurgeReport> {
  const prefix = packetPrefix(packetId);
  const removed = new Set<string>();
  let aborted = 0;
  let refused = '';
  let deletedAt: string | null = null;
  const list = () => listObjects(connection, bucket, prefix, versions);
  let left: ObjectIdentifier[] = known.length > 0 ? known.map((Key) => ({ Key })) : await list();
  for (let tries = 0; left.length > 0 && tries < TRIES;) {
    const keys = new Set(left.map(({ Key }) => Key!).filter((key) => key.endsWith(MARKER)));
    for (const key of keys) aborted += await abortUploads(connection, bucket, key.slice(0, -MARKER.length));
    refused = (await deleteObjects(connection, bucket, left)) ?? refused;
    deletedAt = new Date(clock.now()).toISOString();

    const asked = new Set(left.map(nameOf));
    for (const object of left) if (!object.Key!.endsWith(MARKER)) removed.add(nameOf(object));
    left = await list();
    if (left.some((object) => asked.has(nameOf(object)))) tries++;
  }
  if (left.length > 0) throw new ContentKept(packetId, left.length, refused);
  return {
    removed: [...removed],
    aborted,
    checked: versions ? ['objects', 'versions', 'uploads'] : ['objects', 'uploads'],
    deletedAt,
    verifiedAbsentAt: new Date(clock.now()).toISOString(),
  };
}

/** @returns the first refusal of the store, if any: whether it matters is told by the list that follows */
async function deleteObjects(
  connection: S3Connection,
  bucket: string,
  objects: ObjectIdentifier[],
): Promise<string | undefined> {
  // One object is deleted by a request without a body: no XML on either side, and no digest of it.
  if (objects.length === 1) {
    const command = new DeleteObjectCommand({ Bucket: bucket, ...objects[0], Key: objects[0].Key! });
    return connection
      .call((client, options) => client.send(command, options))
      .then(() => undefined)
      .catch((error: unknown) => {
        if (isRefusal(error, 'NoSuchKey', 'NotFound')) return undefined;
        const { name, status } = refusal(error);
        if (status === 400 || status === 403 || status === 409) return name;
        throw error;
      });
  }
  const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } });
  const { Errors } = await connection.call((client, options) => client.send(command, options));
  return Errors?.[0]?.Code;
}

const nameOf = ({ Key, VersionId }: ObjectIdentifier): string =>
  VersionId && VersionId !== 'null' ? `${Key}?versionId=${VersionId}` : Key!;

/** @returns how many; throws unless the store then lists none */
async function abortUploads(connection: S3Connection, bucket: string, key: string): Promise<number> {
  const uploads = async () => {
    const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key });
    const page = await connection.call((client, options) => client.send(command, options));
    return (page.Uploads ?? []).filter((upload) => upload.Key === key);
  };
  let aborted = 0;
  let left = await uploads();
  for (let tries = 0; left.length > 0 && tries < TRIES; tries++) {
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
