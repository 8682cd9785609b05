import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { type S3Settings, S3Storage } from '@lienthong/storage';
import { setting } from '../../support/setting';
import { storageConformance } from './suite';

jest.setTimeout(120_000);

const endpoint = setting('S3_ENDPOINT');
if (!endpoint) console.warn('deploy/s3/policy.json is not tested: S3_ENDPOINT is not set and no stack is running.');

/** What the operator gives the platform's user of the store, for a bucket of another name. */
const policyFor = (bucket: string): string =>
  readFileSync(join(__dirname, '../../../deploy/s3/policy.json'), 'utf8').replaceAll(
    'arn:aws:s3:::lienthong',
    `arn:aws:s3:::${bucket}`,
  );

(endpoint ? describe : describe.skip)('With the rights of deploy/s3/policy.json and no others', () => {
  const region = setting('S3_REGION') ?? 'us-east-1';
  const credentials = { accessKeyId: setting('S3_ACCESS_KEY') ?? '', secretAccessKey: setting('S3_SECRET_KEY') ?? '' };
  const own = `test-${Math.random().toString(36).slice(2, 8)}-rights`;
  const others = `${own}-others`;
  const operator = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
  let settings: S3Settings;
  let platform: S3Client;

  beforeAll(async () => {
    for (const Bucket of [own, others]) await operator.send(new CreateBucketCommand({ Bucket }));
    for (const [Bucket, Key] of [
      [own, 'elsewhere/file'],
      [others, 'packets/a/0'],
    ])
      await operator.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    const sts = new STSClient({ endpoint, region, credentials });
    const { Credentials: keys } = await sts.send(
      new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::0:role/platform', RoleSessionName: own, Policy: policyFor(own) }),
    );
    sts.destroy();
    const [accessKey, secretKey, sessionToken] = [keys!.AccessKeyId!, keys!.SecretAccessKey!, keys!.SessionToken!];
    settings = { endpoint: endpoint!, region, bucket: own, accessKey, secretKey, sessionToken };
    platform = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey, sessionToken },
    });
  });

  afterAll(async () => {
    for (const Bucket of [own, others]) {
      const { Contents = [] } = await operator.send(new ListObjectsV2Command({ Bucket }));
      for (const { Key } of Contents) await operator.send(new DeleteObjectCommand({ Bucket, Key }));
      await operator.send(new DeleteBucketCommand({ Bucket }));
    }
    platform.destroy();
    operator.destroy();
  });

  describe('the platform does all of its work', () => {
    storageConformance(async () => {
      const storage = new S3Storage(settings);
      await storage.open();
      return { storage, refusesOtherBytes: true, stop: () => storage.close() };
    });
  });

  const denied = expect.objectContaining({ $metadata: expect.objectContaining({ httpStatusCode: 403 }) });

  it.each([
    ['list another bucket', () => platform.send(new ListObjectsV2Command({ Bucket: others }))],
    ['read from another bucket', () => platform.send(new GetObjectCommand({ Bucket: others, Key: 'packets/a/0' }))],
    [
      'write to another bucket',
      () => platform.send(new PutObjectCommand({ Bucket: others, Key: 'packets/a/1', Body: 'x' })),
    ],
    [
      'delete from another bucket',
      () => platform.send(new DeleteObjectCommand({ Bucket: others, Key: 'packets/a/0' })),
    ],
    ['read beside the packets', () => platform.send(new GetObjectCommand({ Bucket: own, Key: 'elsewhere/file' }))],
    [
      'write beside the packets',
      () => platform.send(new PutObjectCommand({ Bucket: own, Key: 'elsewhere/other', Body: 'x' })),
    ],
    ['delete beside the packets', () => platform.send(new DeleteObjectCommand({ Bucket: own, Key: 'elsewhere/file' }))],
    ['make a bucket', () => platform.send(new CreateBucketCommand({ Bucket: `${own}-new` }))],
    ['remove its bucket', () => platform.send(new DeleteBucketCommand({ Bucket: own }))],
    [
      'switch versions on',
      () =>
        platform.send(new PutBucketVersioningCommand({ Bucket: own, VersioningConfiguration: { Status: 'Enabled' } })),
    ],
    ['give rights away', () => platform.send(new PutBucketPolicyCommand({ Bucket: own, Policy: policyFor(own) }))],
  ])('A50: its keys cannot %s', async (_what, attempt) => {
    await expect(attempt()).rejects.toEqual(denied);
  });

  it('A50: its keys see no bucket but their own', async () => {
    const { Buckets = [] } = await platform.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).toEqual([own]);
  });
});
