import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { objectKey } from '@lienthong/storage';
import { downloads } from './downloads';
import { ask } from './http';
import { multiparts } from './multipart';
import { purges } from './purges';
import { type Subject, newContent } from './subject';
import { uploads } from './uploads';

const MiB = 1024 * 1024;

/** What the platform promises of every driver; a behaviour that is not a sentence here is not promised. */
export function storageConformance(start: () => Promise<Subject>): void {
  let subject: Subject;
  beforeAll(async () => {
    subject = await start();
  });
  afterAll(() => subject?.stop());

  uploads(() => subject);
  downloads(() => subject);
  multiparts(() => subject);
  purges(() => subject);

  it('says that it is ready', async () => {
    await subject.storage.check();
    await subject.storage.open();
    await subject.storage.check();
  });

  it('takes and serves 64 MiB without holding them in memory', async () => {
    const { storage } = subject;
    const block = randomBytes(MiB);
    const blocks = function* () {
      for (let index = 0; index < 64; index++) yield block;
    };
    const hash = createHash('sha256');
    for (const block of blocks()) hash.update(block);
    const { packetId, part } = newContent(0);
    const big = { ...part, key: objectKey(packetId, 1), size: 64 * MiB, sha256: hash.digest('base64') };

    const before = process.memoryUsage().rss;
    let peak = before;
    const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 10);
    const { url, headers } = await storage.presignPut(big, 60);
    const answer = await ask(url, { method: 'PUT', headers, body: Readable.from(blocks()) });
    const finding = await storage.seal(big);
    let size = 0;
    const read = createHash('sha256');
    for await (const chunk of await storage.read(big)) {
      size += (chunk as Buffer).length;
      read.update(chunk as Buffer);
    }
    clearInterval(timer);
    await storage.purge(packetId);
    expect([answer.status, finding, size]).toEqual([200, 'whole', 64 * MiB]);
    expect(read.digest('base64')).toBe(big.sha256);
    expect((peak - before) / MiB).toBeLessThan(100);
    console.info(`Memory grew by ${Math.round((peak - before) / MiB)} MiB while 64 MiB were taken, sealed and read.`);
  });
}
