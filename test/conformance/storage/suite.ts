import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { objectKey } from '@lienthong/storage';
import { downloads } from './downloads';
import { ask } from './http';
import { multiparts } from './multipart';
import { places } from './places';
import { purges } from './purges';
import { type Subject, newContent } from './subject';
import { uploads } from './uploads';

const MiB = 1024 * 1024;
/** Far more than the memory that may be used on the way. */
const BIG = 192;
const MEMORY = 100;

/** What the platform promises of every driver; a behaviour that is not a sentence here is not promised. */
export function storageConformance(start: () => Promise<Subject>): void {
  let subject: Subject;
  beforeAll(async () => {
    subject = await start();
  });
  afterAll(() => subject?.stop());

  // First, while nothing else has made the heap grow.
  it(`takes, seals and serves ${BIG} MiB without holding them in memory`, async () => {
    const { storage, heldByServer = 0 } = subject;
    const block = randomBytes(MiB);
    const blocks = function* () {
      for (let index = 0; index < BIG; index++) yield block;
    };
    const hash = createHash('sha256');
    for (const block of blocks()) hash.update(block);
    const { packetId, part } = newContent(0);
    const big = { ...part, key: objectKey(packetId, 1), size: BIG * MiB, sha256: hash.digest('base64') };

    const before = process.memoryUsage().rss;
    let peak = before;
    const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 10).unref();
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
    expect([answer.status, finding, size]).toEqual([200, 'whole', BIG * MiB]);
    expect(read.digest('base64')).toBe(big.sha256);
    const grown = Math.round((peak - before) / MiB);
    expect(grown).toBeLessThan(MEMORY + heldByServer * BIG);
    console.info(`Memory grew by ${grown} MiB while ${BIG} MiB were taken, sealed and read.`);
  });

  uploads(() => subject);
  downloads(() => subject);
  multiparts(() => subject);
  purges(() => subject);
  places(() => subject);

  it('says that it is ready', async () => {
    await subject.storage.check();
    await subject.storage.open();
    await subject.storage.check();
  });
}
