import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { setting } from '../../support/setting';

const ANSWER_MS = 5000;
/** A round after the first has a place of its own. */
const PACKET = /packets\/([0-9a-f-]{36})(?:-\d+)?\//g;

const packetsOf = (text: string): string[] => [...new Set([...text.matchAll(PACKET)].map(([, packetId]) => packetId))];

/** Packets that have a file under a folder of content. */
export async function packetsUnder(folder: string): Promise<string[]> {
  const args = [folder, '-ignore_readdir_race', '-type', 'f', '-path', '*packets/*'];
  // A folder that a purge removes while it is looked through is no failure; what is printed was there.
  const { stdout } = await promisify(execFile)('find', args, { maxBuffer: 1 << 26 });
  return packetsOf(stdout);
}

/** Packets that have an object in the bucket of the real stack, by a client of the test's own. @throws while the store does not answer */
export async function packetsInBucket(): Promise<string[]> {
  const client = new S3Client({
    endpoint: setting('S3_ENDPOINT'),
    region: setting('S3_REGION'),
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: setting('S3_ACCESS_KEY')!, secretAccessKey: setting('S3_SECRET_KEY')! },
  });
  try {
    const keys: string[] = [];
    for (let ContinuationToken: string | undefined; ;) {
      const command = new ListObjectsV2Command({ Bucket: setting('S3_BUCKET'), Prefix: 'packets/', ContinuationToken });
      const page = await client.send(command, { abortSignal: AbortSignal.timeout(ANSWER_MS) });
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key!));
      if (!page.NextContinuationToken) return packetsOf(keys.join('\n'));
      ContinuationToken = page.NextContinuationToken;
    }
  } finally {
    client.destroy();
  }
}
