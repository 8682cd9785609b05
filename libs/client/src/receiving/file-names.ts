import { link, open, rename, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** Refused by Windows, or with a meaning to some file system or shell: control characters, separators, wildcards, bidirectional marks. */
// oxlint-disable-next-line no-control-regex
const ILLEGAL = /[\u0000-\u001f\u007f-\u009f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;
/** Most file systems take 255 bytes; room is left for a number. Vietnamese letters are two or three bytes each. */
const NAME_BYTES = 240;

/**
 * @returns a name that is one plain file name on every system, whatever the sender wrote: no path, nothing hidden, no device, not too long;
 * the extension is kept. Composed form (NFC), so that the same Vietnamese name is the same file everywhere.
 */
export function safeFileName(name: string): string {
  // By way of UTF-8, so that half a surrogate pair, which JSON can carry, becomes a letter that can be written.
  const plain = Buffer.from(name)
    .toString()
    .normalize('NFC')
    .replace(ILLEGAL, '_')
    .replace(/^[.\s]+/, '')
    .replace(/[.\s]+$/, '');
  const named = plain === '' ? 'file' : WINDOWS_DEVICE.test(plain) ? `_${plain}` : plain;
  return shortened(named);
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES) return name;
  const extension = Buffer.byteLength(extname(name)) <= 20 ? extname(name) : '';
  const room = NAME_BYTES - Buffer.byteLength(extension);
  let stem = '';
  for (const letter of name.slice(0, name.length - extension.length)) {
    if (Buffer.byteLength(stem + letter) > room) break;
    stem += letter;
  }
  return stem.trimEnd() + extension;
}

/** `văn bản.pdf`, `văn bản (2).pdf`, `văn bản (3).pdf` … */
export function numbered(name: string, number: number): string {
  if (number < 2) return name;
  const extension = extname(name);
  return `${name.slice(0, name.length - extension.length)} (${number})${extension}`;
}

/** Distinct names for one packet; file systems that ignore case are met. */
export function distinctNames(names: string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let number = 1;
    while (taken.has(numbered(name, number).toLowerCase())) number += 1;
    const free = numbered(name, number);
    taken.add(free.toLowerCase());
    return free;
  });
}

/**
 * Moves a finished file to `name` in the folder, or to the next number that is free; never over another file, also when several processes
 * do it at the same time.
 * @returns the path it has now
 */
export async function placeFile(from: string, folder: string, name: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const target = join(folder, numbered(name, number));
    try {
      await link(from, target);
      await rm(from);
      return target;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      if (code === 'ENOENT') throw error;
    }
    // No hard links here (FAT, some network shares): the name is reserved by an empty file first.
    try {
      await (await open(target, 'wx')).close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    await rename(from, target);
    return target;
  }
}
