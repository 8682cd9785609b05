import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { AuditBundleStore, AuditSealStore, AuditStore, Transactions } from '@lienthong/persistence';
import { Metrics } from '@lienthong/runtime';
import { type AuditLine, newPlatformKey, verifyAuditRange } from '@lienthong/signing';
import { openArchive } from '@lienthong/storage';
import { randomBytes } from 'node:crypto';
import { SealAudit } from '../../../apps/scheduler/src/seal-audit/seal-audit';
import { settled, testDatabase, type TestDatabase } from '../../support/database';
import { setting } from '../../support/setting';

jest.setTimeout(60_000);

const endpoint = setting('S3_ENDPOINT');
if (!endpoint) console.warn('The export of checkpoints is not tested: S3_ENDPOINT is not set and no stack is running.');

(endpoint ? describe : describe.skip)('checkpoints in a bucket of an S3 server', () => {
  const Bucket = `witness-${randomBytes(4).toString('hex')}`;
  const server = {
    endpoint: endpoint!,
    region: setting('S3_REGION') ?? 'us-east-1',
    accessKey: setting('S3_ACCESS_KEY')!,
    secretKey: setting('S3_SECRET_KEY')!,
  };
  const origin = 'https://lienthong.example';
  const running = new AbortController().signal;
  const { publicJwk, ...key } = newPlatformKey();
  let operator: S3Client;
  let database: TestDatabase;
  let transactions: Transactions;

  beforeAll(async () => {
    const { region, accessKey: accessKeyId, secretKey: secretAccessKey } = server;
    operator = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
    await operator.send(new CreateBucketCommand({ Bucket }));
    // Nothing that was put there once is lost by putting there again.
    const VersioningConfiguration = { Status: 'Enabled' as const };
    await operator.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
  });
  afterAll(async () => {
    const Objects = (await versions()).map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length > 0) await operator.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    await operator.send(new DeleteBucketCommand({ Bucket }));
    operator.destroy();
    await database?.drop();
  });

  const versions = async () => (await operator.send(new ListObjectVersionsCommand({ Bucket }))).Versions ?? [];
  const names = async () => (await versions()).map(({ Key }) => Key).toSorted();
  const read = async (Key: string) => {
    const { Body, ContentType } = await operator.send(new GetObjectCommand({ Bucket, Key }));
    return { text: await Body!.transformToString(), type: ContentType };
  };
  /** The step of the scheduler, on a real log, with this place to export to. */
  const sealAudit = (place: string, of = server) => {
    const archive = openArchive(place, of);
    const audit = new AuditStore(transactions);
    const step = new SealAudit(
      new AuditSealStore(transactions),
      audit,
      { current: async () => key },
      { origin },
      archive,
      new Metrics(),
    );
    return { step, archive };
  };
  /** Entries that can be sealed now: no older transaction of the whole server is in progress. */
  const recorded = async (count: number) => {
    const entries = Array.from({ length: count }, (_, n) => ({ action: 'packet.read' as const, subject: String(n) }));
    await new AuditStore(transactions).record(entries);
    await settled(database.dataSource);
  };

  it('seal-audit: puts each newest checkpoint there, once, and the log verifies against what lies there', async () => {
    const { step, archive } = sealAudit(`s3://${Bucket}/tinh/lienthong/`);
    await recorded(3);
    await step.pass(running);
    await step.pass(running);
    const first = 'tinh/lienthong/checkpoint-0000000000000003.jws';
    expect(await names()).toEqual([first]);
    await recorded(2);
    await step.pass(running);
    expect(await names()).toEqual([first, first.replace('03.jws', '05.jws')]);
    archive.close();

    const lines: AuditLine[] = [];
    for await (const line of new AuditBundleStore(transactions).lines(origin, 0)) lines.push(line);
    for (const name of await names()) {
      const { text, type } = await read(name!);
      expect(type).toBe('application/jose');
      const verdict = await verifyAuditRange(lines, { keys: [publicJwk] }, [text]);
      expect([name, verdict.problems]).toEqual([name, []]);
    }
    // The log from before the newest checkpoint is told from the whole one by it.
    const shorter = lines.slice(0, lines.findIndex((line) => 'checkpoint' in line) + 1);
    const { text } = await read('tinh/lienthong/checkpoint-0000000000000005.jws');
    expect((await verifyAuditRange(shorter, { keys: [publicJwk] }, [text])).problems).not.toEqual([]);
  });

  it('seal-audit: a process that starts anew puts the same name again with the same words', async () => {
    const before = (await versions()).length;
    const { step, archive } = sealAudit(`s3://${Bucket}/tinh/lienthong`);
    await step.pass(running);
    archive.close();
    const Prefix = 'tinh/lienthong/checkpoint-0000000000000005.jws';
    const now = await versions();
    expect(now.length).toBe(before + 1);
    const texts = await Promise.all(
      now
        .filter(({ Key }) => Key === Prefix)
        .map(async ({ VersionId }) =>
          (await operator.send(new GetObjectCommand({ Bucket, Key: Prefix, VersionId }))).Body!.transformToString(),
        ),
    );
    expect(new Set(texts).size).toBe(1);
  });

  it('seal-audit: a bucket that is not there, or a wrong key, is an error at each pass; what was sealed stays sealed', async () => {
    await recorded(1);
    const absent = sealAudit(`s3://${Bucket}-none`);
    const denied = sealAudit(`s3://${Bucket}`, { ...server, secretKey: 'wrong-wrong-wrong' });
    for (const { step } of [absent, absent, denied]) await expect(step.pass(running)).rejects.toThrow();
    expect((await new AuditStore(transactions).unsealed()).entries).toBe(0);
    absent.archive.close();
    denied.archive.close();

    const { step, archive } = sealAudit(`s3://${Bucket}`);
    await step.pass(running);
    archive.close();
    expect(await names()).toContain('checkpoint-0000000000000006.jws');
  });
});
