import { StartError } from '@lienthong/contracts';
import { createHash, randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  HeadObjectCommand,
} from '@aws-sdk/client-s3';
import { objectKey } from '../object-key';
import type { Clock, StoredPart } from '../storage';
import { S3Addresses } from './s3-addresses';
import type { S3Connection, S3Settings } from './s3-connection';
import { isRefusal, refusal } from './s3-errors';
import { putHeaders } from './s3-headers';
import { listObjects, purgePacket } from './s3-purge';

/** What a store was seen to do. */
export interface Abilities {
  /** A PUT of other bytes than the signed SHA-256 is refused, and the store tells the digest afterwards. */
  digestsEnforced: boolean;
  /** Versions can be listed. Without, they can neither be found nor purged: the bucket must then have none. */
  versions: boolean;
  /** The bucket keeps versions, or kept some. */
  versioned: boolean;
}

/** Makes the bucket if it is absent and finds out what the store can be relied on for. @throws StartError that says why not */
export async function openBucket(connection: S3Connection, settings: S3Settings, clock: Clock): Promise<Abilities> {
  const { bucket, endpoint } = settings;
  try {
    await makeBucket(connection, bucket);
    if (await hasObjectLock(connection, bucket))
      throw new Error('it has object lock, so that content could not be purged');
    const versions = await canListVersions(connection, bucket);
    const versioned = await versioning(connection, bucket);
    if (!versions && versioned)
      throw new Error('it keeps versions that the store cannot list, so that content could not be purged');
    return { versions, versioned, digestsEnforced: await enforcesDigests(connection, settings, versions, clock) };
  } catch (error) {
    throw new StartError(`Bucket ${bucket} at ${endpoint} cannot be used: ${reason(error as Error)}.`, {
      cause: error,
    });
  }
}

async function makeBucket(connection: S3Connection, bucket: string): Promise<void> {
  const head = new HeadBucketCommand({ Bucket: bucket });
  const create = new CreateBucketCommand({ Bucket: bucket });
  try {
    await connection.call((client, options) => client.send(head, options));
  } catch (error) {
    if (refusal(error).status !== 404) throw error;
    await connection
      .call((client, options) => client.send(create, options))
      .catch((error) => (isRefusal(error, 'BucketAlreadyOwnedByYou') ? undefined : Promise.reject(error)));
  }
}

async function hasObjectLock(connection: S3Connection, bucket: string): Promise<boolean> {
  const command = new GetObjectLockConfigurationCommand({ Bucket: bucket });
  const answer = await connection.call((client, options) => client.send(command, options)).catch(notThere);
  return answer?.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
}

async function versioning(connection: S3Connection, bucket: string): Promise<boolean> {
  const command = new GetBucketVersioningCommand({ Bucket: bucket });
  const answer = await connection.call((client, options) => client.send(command, options)).catch(notThere);
  return answer?.Status !== undefined;
}

async function canListVersions(connection: S3Connection, bucket: string): Promise<boolean> {
  const listed = await listObjects(connection, bucket, 'packets/none/', true).catch(notThere);
  return listed !== undefined;
}

/** A store without the feature answers 404, 405 or 501, some 400; a store that cannot be reached or refuses the credentials is another matter. */
function notThere(error: unknown): undefined {
  if ([400, 404, 405, 501].includes(refusal(error).status)) return undefined;
  throw error;
}

/** Tries it: wrong bytes under a right address. Also tries, with the purge of the probe, the right to list and delete. */
async function enforcesDigests(
  connection: S3Connection,
  settings: S3Settings,
  versions: boolean,
  clock: Clock,
): Promise<boolean> {
  const { bucket, endpoint } = settings;
  const packetId = `probe-${randomBytes(16).toString('hex')}`;
  const sha256 = createHash('sha256').update('right').digest('base64');
  const part: StoredPart = { key: objectKey(packetId, 0), size: 5, sha256, mediaType: 'text/plain' };
  const headers = putHeaders(part);
  const url = await new S3Addresses(connection.client, endpoint, bucket, () => clock.now()).sign(
    'PUT',
    part.key,
    {},
    headers,
    60,
  );
  const put = async (body: string) => {
    const response = await fetch(url, { method: 'PUT', headers, body, signal: AbortSignal.timeout(10_000) });
    return { ok: response.ok, text: await response.text() };
  };
  try {
    const wrong = await put('wrong');
    const right = await put('right');
    if (!right.ok) throw new Error(`The store refuses an upload to a presigned address: ${right.text.slice(0, 500)}`);
    const command = new HeadObjectCommand({ Bucket: bucket, Key: part.key, ChecksumMode: 'ENABLED' });
    const head = await connection.call((client, options) => client.send(command, options));
    return !wrong.ok && head.ChecksumSHA256 === sha256;
  } finally {
    await purgePacket(connection, bucket, packetId, { versions, clock });
  }
}

const ADVICE: Record<string, string> = {
  RequestTimeTooSkewed: 'the clocks of this machine and of the store differ by more than 15 minutes',
  SignatureDoesNotMatch: 'the secret key is wrong',
  InvalidAccessKeyId: 'the access key is unknown to the store',
  '403': 'the keys are wrong, or may not use this bucket',
  '301': 'the region is wrong',
  '400': 'the region, the bucket name or the keys are wrong',
};

function reason(error: Error): string {
  const cause = (error.cause ?? error) as NodeJS.ErrnoException;
  const { name, status } = refusal(cause);
  return ADVICE[name] ?? ADVICE[String(status)] ?? (cause.message || cause.code || cause.name).replace(/\.$/, '');
}
