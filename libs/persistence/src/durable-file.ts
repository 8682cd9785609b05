import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file that only this user may read. When it returns, the file survives a loss of power; before, it is there whole or not at all.
 * @throws what the file system says
 */
export function writeDurably(file: string, text: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  syncFolder(folder);
}

/** What has been put into the folder, or taken out of it, survives a loss of power. Windows cannot open a folder as a file, and writes its entries through. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const entries = openSync(folder, 'r');
  try {
    fsyncSync(entries);
  } finally {
    closeSync(entries);
  }
}
