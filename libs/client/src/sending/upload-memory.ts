import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { SendRequest } from '@lienthong/contracts';
import type { StoredPieces } from './space-upload';

interface Remembered {
  version: 1;
  /** Of the platform and the whole request, digests included: another file or recipient is another sending. */
  fingerprint: string;
  idempotencyKey: string;
  packetId?: string;
  stored: StoredPieces;
}

/**
 * What an interrupted upload needs to go on: kept beside the first file (or in a folder of its own), gone when the packet is complete. The
 * idempotency key is written before the first request, so that even a crash right after it leads back to the same packet.
 */
export class UploadMemory {
  private writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: string | undefined,
    private state: Remembered,
    /** There was something to go on with. */
    readonly resumed: boolean,
  ) {}

  /** @param firstFile where the state belongs; undefined: nothing is kept, as for files in memory */
  static async open(
    firstFile: string | undefined,
    request: SendRequest,
    { origin, stateFolder, idempotencyKey }: { origin: string; stateFolder?: string; idempotencyKey?: string },
  ): Promise<UploadMemory> {
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([origin, request]))
      .digest('base64url');
    const file = firstFile && fileFor(firstFile, fingerprint, stateFolder);
    const fresh = { version: 1, fingerprint, idempotencyKey: idempotencyKey ?? randomUUID(), stored: {} } as const;
    if (!file) return new UploadMemory(undefined, fresh, false);
    const found = await read(file);
    const fits =
      found?.fingerprint === fingerprint && found.idempotencyKey === (idempotencyKey ?? found.idempotencyKey);
    return fits ? new UploadMemory(file, found, true) : new UploadMemory(file, fresh, false);
  }

  get idempotencyKey(): string {
    return this.state.idempotencyKey;
  }

  get stored(): StoredPieces {
    return this.state.stored;
  }

  /** Writes are one after the other, each whole or not at all. */
  keep(change: Partial<Pick<Remembered, 'packetId' | 'stored'>>): Promise<void> {
    this.state = { ...this.state, ...change };
    const text = `${JSON.stringify(this.state, null, 2)}\n`;
    this.writing = this.writing.then(() => this.write(text));
    return this.writing;
  }

  /** The packet that was remembered is past uploading: begin another. */
  async startOver(): Promise<void> {
    this.state = { ...this.state, idempotencyKey: randomUUID(), packetId: undefined, stored: {} };
    await this.keep({});
  }

  async forget(): Promise<void> {
    await this.writing;
    if (this.file) await rm(this.file, { force: true });
  }

  private async write(text: string): Promise<void> {
    if (!this.file) return;
    await mkdir(dirname(this.file), { recursive: true });
    await writeFile(`${this.file}.new`, text, { mode: 0o600 });
    await rename(`${this.file}.new`, this.file);
  }
}

function fileFor(firstFile: string, fingerprint: string, stateFolder: string | undefined): string {
  if (!stateFolder) return `${firstFile}.lienthong-upload.json`;
  return join(stateFolder, `${basename(firstFile)}-${fingerprint.slice(0, 12)}.lienthong-upload.json`);
}

async function read(file: string): Promise<Remembered | undefined> {
  try {
    const found = JSON.parse(await readFile(file, 'utf8')) as Remembered;
    return found.version === 1 && typeof found.idempotencyKey === 'string' && typeof found.stored === 'object'
      ? found
      : undefined;
  } catch {
    return undefined;
  }
}
