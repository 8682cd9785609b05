import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Download, LienThongError } from '@lienthong/contracts';
import { jittered, type RetryLimits } from '../transport/retries';
import { isAbort, UnreachableError } from '../transport/unreachable-error';
import { addressRefused, storageMayRecover, type StorageRequests } from '../transport/storage-requests';

interface DownloadOptions {
  storage: Pick<StorageRequests, 'get'>;
  /** Fresh addresses of the same delivery: `ready` again. */
  renew: () => Promise<Download[]>;
  limits: RetryLimits;
  onBytes: (part: string, bytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Fetches one part into `partial`, going on after what is there already, and leaves it complete, equal to what was declared, and on the disk
 * (fsync: after the confirmation the platform deletes its copy).
 * @throws LienThongError download_mismatch when the bytes are wrong even after fetching them once more from the start
 */
export async function downloadPart(wanted: Download, partial: string, options: DownloadOptions): Promise<void> {
  for (let round = 1; ; round += 1) {
    const actual = await fetchWhole(wanted, partial, options);
    if (actual.size === wanted.size && actual.sha256 === wanted.sha256) return;
    await rm(partial, { force: true });
    options.onBytes(wanted.part, -actual.size);
    if (round < 2) continue;
    const { part, sha256: declared } = wanted;
    throw new LienThongError('download_mismatch', { part, declared, actual: actual.sha256 });
  }
}

async function fetchWhole(
  wanted: Download,
  partial: string,
  options: DownloadOptions,
): Promise<{ size: number; sha256: string }> {
  const { limits, signal, renew } = options;
  let address = wanted;
  const file = await open(partial, 'a+');
  try {
    const written = new WrittenFile(file, partial, (bytes) => options.onBytes(wanted.part, bytes));
    await written.readBack(wanted.size);
    for (let tries = 1; written.size < wanted.size; tries += 1) {
      const before = written.size;
      try {
        const { start, body } = await options.storage.get(address, before, signal);
        if (start !== before) await written.truncate();
        for await (const chunk of body) await written.append(chunk);
        if (written.size < wanted.size) throw new UnreachableError(new URL(address.url).origin, new Error('cut short'));
        break;
      } catch (error) {
        const trouble = asTrouble(error, address.url);
        // What came counts: only tries that brought nothing are limited.
        if (written.size > before) tries = 1;
        const refused = addressRefused(trouble);
        if (tries >= limits.attempts || !(refused || storageMayRecover(trouble))) throw trouble;
        if (refused) address = (await renew()).find(({ part }) => part === wanted.part) ?? address;
        else await sleep(jittered(limits, tries), undefined, { signal });
      }
    }
    await file.sync();
    return { size: written.size, sha256: written.digest() };
  } finally {
    await file.close();
  }
}

/** A body that breaks while it is read is the network's; a disk that is full is not. */
function asTrouble(error: unknown, url: string): unknown {
  const { syscall, code } = error as NodeJS.ErrnoException;
  const ours = error instanceof LienThongError || isAbort(error) || syscall === 'write' || code === 'ENOSPC';
  return ours ? error : new UnreachableError(new URL(url).origin, error);
}

/** A file that is only appended to, with its hash kept along. */
class WrittenFile {
  size = 0;
  private hash: Hash = createHash('sha256');

  constructor(
    private readonly file: FileHandle,
    private readonly path: string,
    private readonly onBytes: (bytes: number) => void,
  ) {}

  /** Takes up what an interrupted download left; more than there should be is of no use. */
  async readBack(expected: number): Promise<void> {
    const { size } = await this.file.stat();
    if (size > expected) return this.truncate();
    if (size === 0) return;
    for await (const chunk of createReadStream(this.path)) this.count(chunk as Buffer);
  }

  async append(chunk: Buffer): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) rest = rest.subarray((await this.file.write(rest)).bytesWritten);
    this.count(chunk);
  }

  async truncate(): Promise<void> {
    await this.file.truncate(0);
    this.onBytes(-this.size);
    this.size = 0;
    this.hash = createHash('sha256');
  }

  digest(): string {
    return this.hash.digest('base64');
  }

  private count(chunk: Buffer): void {
    this.hash.update(chunk);
    this.size += chunk.length;
    this.onBytes(chunk.length);
  }
}
