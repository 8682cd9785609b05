import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { Download } from '@lienthong/contracts';

/**
 * Which parts of a delivery are in place already, until it is confirmed: a run that stopped in between makes no second copies. A file of
 * another packet is never taken for it, even with the same name and content, since its owner may move it away.
 */
export class PlacedFiles {
  private constructor(
    private readonly file: string,
    private readonly paths: Record<string, string>,
  ) {}

  static async open(file: string): Promise<PlacedFiles> {
    const text = await readFile(file, 'utf8').catch(() => '{}');
    try {
      return new PlacedFiles(file, JSON.parse(text) as Record<string, string>);
    } catch {
      return new PlacedFiles(file, {});
    }
  }

  /** @returns the path, if the file is still there and still what was declared */
  async find({ part, size, sha256 }: Download): Promise<string | undefined> {
    const path = Object.hasOwn(this.paths, part) ? this.paths[part] : undefined;
    const found = path === undefined ? undefined : await stat(path).catch(() => undefined);
    if (path === undefined || !found?.isFile() || found.size !== size) return undefined;
    return (await sha256Of(path)) === sha256 ? path : undefined;
  }

  async add(part: string, path: string): Promise<void> {
    Object.defineProperty(this.paths, part, { value: path, enumerable: true, configurable: true, writable: true });
    await writeFile(this.file, JSON.stringify(this.paths), { mode: 0o600 });
  }

  async forget(): Promise<void> {
    await rm(this.file, { force: true });
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('base64');
}
