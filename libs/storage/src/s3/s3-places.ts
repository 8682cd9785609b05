import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { ROOT } from '../object-key';
import type { S3Connection } from './s3-connection';

/** The store puts the keys of a place together; a marker beside each unfinished upload makes that be listed too. */
export async function* placesIn(connection: S3Connection, bucket: string): AsyncGenerator<string[]> {
  let token: string | undefined;
  do {
    const page = { Bucket: bucket, Prefix: ROOT, Delimiter: '/', ContinuationToken: token };
    const { CommonPrefixes = [], NextContinuationToken } = await connection.call((client, options) =>
      client.send(new ListObjectsV2Command(page), options),
    );
    yield CommonPrefixes.map(({ Prefix }) => Prefix!.slice(ROOT.length, -1));
    token = NextContinuationToken;
  } while (token);
}
