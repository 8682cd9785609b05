import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { type S3Settings, S3Storage, partSizeOf } from '@lienthong/storage';
import { setting } from '../../support/setting';
import { TcpProxy } from '../../support/tcp-proxy';
import { ask, put } from './http';
import { lenientStore } from './lenient-store';
import { type Content, type Subject, accepted, newContent } from './subject';
import { storageConformance } from './suite';

jest.setTimeout(120_000);

const endpoint = setting('S3_ENDPOINT');
if (!endpoint) console.warn('S3Storage is not tested: S3_ENDPOINT is not set and no stack is running.');

(endpoint ? describe : describe.skip)('S3Storage', () => {
  const run = Math.random().toString(36).slice(2, 8);
  const settings = (name: string, change: Partial<S3Settings> = {}): S3Settings => ({
    endpoint: endpoint!,
    region: setting('S3_REGION') ?? 'us-east-1',
    accessKey: setting('S3_ACCESS_KEY')!,
    secretKey: setting('S3_SECRET_KEY')!,
    bucket: `test-${run}-${name}`,
    ...change,
  });
  const { region, accessKey, secretKey } = settings('');
  const operator = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey ?? '', secretAccessKey: secretKey ?? '' },
  });
  afterAll(() => operator.destroy());

  const versionsIn = async (Bucket: string, Prefix?: string) => {
    const { Versions = [], DeleteMarkers = [] } = await operator.send(
      new ListObjectVersionsCommand({ Bucket, Prefix }),
    );
    return [...Versions, ...DeleteMarkers];
  };
  /** Takes away what the packets of a test left in its bucket, then the bucket. */
  const removeBucket = async (storage: S3Storage, bucket: string) => {
    const packets = new Set((await versionsIn(bucket)).map(({ Key }) => Key!.split('/')[1]));
    for (const packetId of packets) await storage.purge(packetId);
    await operator.send(new DeleteBucketCommand({ Bucket: bucket }));
    await storage.close();
  };
  const opened = async (name: string, change: Partial<S3Settings> = {}) => {
    const storage = new S3Storage(settings(name, change));
    await storage.open();
    return { storage, bucket: settings(name).bucket };
  };

  describe('on the server itself', () => {
    storageConformance(async () => {
      const { storage, bucket } = await opened('suite');
      return { storage, refusesOtherBytes: true, stop: () => removeBucket(storage, bucket) };
    });
  });

  describe('on a server that does not enforce digests', () => {
    storageConformance(async () => {
      const server = await lenientStore(settings('lenient'));
      const { storage, bucket } = await opened('lenient', { endpoint: server.endpoint });
      const stop = () => removeBucket(storage, bucket).finally(server.stop);
      // That server, which is in this process, holds a body twice.
      return { storage, refusesOtherBytes: false, heldByServer: 2, stop };
    });
  });

  describe('in a bucket with versions', () => {
    let subject: Subject;
    let bucket: string;
    beforeAll(async () => {
      const made = await opened('versions');
      bucket = made.bucket;
      subject = { ...made, refusesOtherBytes: true, stop: () => removeBucket(made.storage, bucket) };
    });
    afterAll(() => subject.stop());
    const versioning = (Status: 'Enabled' | 'Suspended') =>
      operator.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }));

    it.each(['Enabled', 'Suspended'] as const)(
      '%s: a purge removes every version and delete marker',
      async (status) => {
        const { storage } = subject;
        const { packetId, part, bytes } = await accepted(storage);
        await versioning('Enabled');
        const upload = await storage.presignPut(part, 60);
        for (let count = 0; count < 3; count++) await put(upload, bytes);
        await operator.send(new PutObjectCommand({ Bucket: bucket, Key: `${part.key}-x`, Body: 'x' }));
        await operator.send(new DeleteObjectCommand({ Bucket: bucket, Key: `${part.key}-x` }));
        await versioning(status);
        const prefix = `packets/${packetId}/`;
        expect((await versionsIn(bucket, prefix)).length).toBeGreaterThanOrEqual(6);

        const { removed } = await storage.purge(packetId);
        expect(removed.filter((key) => key.startsWith(part.key)).length).toBeGreaterThanOrEqual(6);
        expect(await versionsIn(bucket, prefix)).toEqual([]);
        expect(await storage.inspect(part)).toBe('missing');
      },
    );
  });

  describe('beside the suite', () => {
    it('a purge leaves no unfinished multipart upload, also of several to one key', async () => {
      const { storage, bucket } = await opened('uploads');
      const { packetId, part, bytes } = newContent(partSizeOf(1) + 5);
      const uploads = [await storage.presignMultipart(part, 60), await storage.presignMultipart(part, 60)];
      for (const { urls } of uploads) await put(urls[1], bytes.subarray(-5));
      const pending = async () => {
        const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: part.key });
        return (await operator.send(command)).Uploads ?? [];
      };
      expect(await pending()).toHaveLength(2);
      expect((await storage.purge(packetId)).aborted).toBe(2);
      expect(await pending()).toEqual([]);
      await removeBucket(storage, bucket);
    });

    it('a purge of a packet with thousands of objects removes them all', async () => {
      const { storage, bucket } = await opened('many');
      const { packetId, part } = await accepted(storage);
      const putOne = (index: number) =>
        operator.send(new PutObjectCommand({ Bucket: bucket, Key: `${part.key}-${index}`, Body: 'x' }));
      for (let start = 0; start < 2100; start += 50)
        await Promise.all(Array.from({ length: 50 }, (_, index) => putOne(start + index)));
      expect((await storage.purge(packetId)).removed).toHaveLength(2101);
      expect(await versionsIn(bucket)).toEqual([]);
      await removeBucket(storage, bucket);
    });

    it('tells more places than one answer of the server holds', async () => {
      const { storage, bucket } = await opened('places');
      const Keys = Array.from({ length: 1001 }, (_, n) => `packets/${n}/x`);
      for (let at = 0; at < Keys.length; at += 50)
        await Promise.all(
          Keys.slice(at, at + 50).map((Key) => operator.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }))),
        );
      const pages: string[][] = [];
      for await (const page of storage.places()) pages.push(page);
      expect(pages.length).toBeGreaterThan(1);
      expect(new Set(pages.flat().map((place) => `packets/${place}/x`))).toEqual(new Set(Keys));
      for (const some of [Keys.slice(0, 1000), Keys.slice(1000)])
        await operator.send(
          new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: some.map((Key) => ({ Key })) } }),
        );
      await removeBucket(storage, bucket);
    });

    it('signs for the public host and reaches the store by its own', async () => {
      const url = new URL(endpoint!);
      const publicEndpoint = `http://localhost:${url.port}`;
      const { storage, bucket } = await opened('public', { publicEndpoint });
      const { part } = await accepted(storage);
      const download = (await storage.presignGet(part, 60, 'a')).url;
      expect(new URL(download).origin).toBe(publicEndpoint);
      expect((await ask(download)).status).toBe(200);
      expect((await ask(download.replace('localhost', '127.0.0.1'))).status).toBe(403);
      await removeBucket(storage, bucket);
    });

    it('refuses a bucket with object lock', async () => {
      const { bucket } = settings('lock');
      await operator.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
      const storage = new S3Storage(settings('lock'));
      await expect(storage.open()).rejects.toThrow(/^Bucket .* cannot be used: it has object lock, so that/);
      await removeBucket(new S3Storage(settings('lock')), bucket);
    });

    it('says that content is kept while the store holds it, never that it is purged', async () => {
      // A bucket with a lock is refused at the start; this one gets it afterwards.
      const { storage, bucket } = await opened('held');
      await operator.send(new DeleteBucketCommand({ Bucket: bucket }));
      await operator.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
      const { packetId, part, bytes } = newContent(100);
      const until = new Date(Date.now() + 3_600_000);
      const hold = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until } as const;
      await operator.send(
        new PutObjectCommand({ Bucket: bucket, Key: part.key, Body: bytes, ChecksumAlgorithm: 'SHA256', ...hold }),
      );
      for (const known of [[], [part]])
        await expect(storage.purge(packetId, known)).rejects.toMatchObject({
          name: 'ContentKept',
          left: 1,
          why: expect.stringMatching(/Denied|Locked|WORM|InvalidRequest/),
        });
      for (const { VersionId } of await versionsIn(bucket))
        await operator.send(
          new DeleteObjectCommand({ Bucket: bucket, Key: part.key, VersionId, BypassGovernanceRetention: true }),
        );
      expect(await storage.purge(packetId)).toMatchObject({ aborted: 0, checked: ['objects', 'versions', 'uploads'] });
      await removeBucket(storage, bucket);
    });

    it.each([
      ['an unknown access key', { accessKey: 'nobody' }],
      ['a wrong secret key', { secretKey: 'wrong-wrong-wrong' }],
    ])('says in one sentence that it cannot open with %s', async (_what, change) => {
      const storage = new S3Storage(settings('refused', change));
      await expect(storage.open()).rejects.toThrow(/^Bucket .* cannot be used: the keys are wrong, or/);
      await storage.close();
    });
  });

  describe('without a store', () => {
    it('says in one sentence that it cannot open', async () => {
      const storage = new S3Storage(settings('dead', { endpoint: 'http://127.0.0.1:9' }));
      await expect(storage.open()).rejects.toThrow(/^Bucket .* cannot be used: .*ECONNREFUSED/);
      await storage.close();
    });

    describe('that was there', () => {
      let proxy: TcpProxy;
      let storage: S3Storage;
      let bucket: string;
      let content: Content;
      beforeAll(async () => {
        const { hostname, port } = new URL(endpoint!);
        proxy = new TcpProxy({ host: hostname, port: Number(port) });
        await proxy.open();
        ({ storage, bucket } = await opened('away', { endpoint: proxy.address(endpoint!) }));
        content = await accepted(storage);
      });
      afterAll(async () => {
        await removeBucket(storage, bucket);
        await proxy.cut();
      });
      const calls = () => {
        const { packetId, part, bytes } = content;
        return [
          storage.check(),
          storage.inspect(part),
          storage.seal(part),
          storage.put(part, bytes),
          storage.presignMultipart(part, 60),
          storage.purge(packetId),
        ];
      };
      const failInTime = async (calls: Promise<unknown>[]) => {
        const started = performance.now();
        for (const call of await Promise.allSettled(calls))
          expect(call).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
        const seconds = (performance.now() - started) / 1000;
        expect(seconds).toBeLessThan(15);
        console.info(`store away: ${calls.length} calls failed within ${seconds.toFixed(1)} s, as unavailable`);
      };

      it('every call fails in less than 15 s, and works again when it is back', async () => {
        await proxy.cut();
        const { part } = content;
        expect(storage.failing).toBe(false);
        await failInTime([...calls(), storage.read(part), storage.completeMultipart(part, 'x', ['x'])]);
        expect(storage.failing).toBe(true);
        await proxy.open();
        expect(await storage.seal(part)).toBe('whole');
      });

      it('every quick call fails in less than 15 s when it takes connections and never answers', async () => {
        proxy.stall();
        await failInTime(calls());
        proxy.resume();
        await proxy.cut();
        await proxy.open();
        await storage.check();
      });
    });
  });
});
