import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BootError } from '@lienthong/runtime';

/**
 * Two platforms on one data folder would stop each other's database. The file of a platform that was killed is taken over.
 * @returns releases the folder
 * @throws BootError in one sentence when another process holds it
 */
export function holdFolder(folder: string): () => void {
  const file = join(folder, 'lienthong.pid');
  const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (holder !== process.pid && isPlatform(holder))
    throw new BootError(
      `The data folder ${folder} is in use by the platform with process id ${holder}. Stop that one, or set DATA_DIR to another folder.`,
    );
  writeFileSync(file, String(process.pid));
  return () => rmSync(file, { force: true });
}

/** After a reboot the number may belong to another program; where there is no /proc, being alive counts. */
function isPlatform(pid: number): boolean {
  try {
    if (pid <= 0 || !process.kill(pid, 0)) return false;
  } catch {
    return false;
  }
  const file = `/proc/${pid}/cmdline`;
  return !existsSync('/proc/self') || (existsSync(file) && readFileSync(file, 'utf8').includes('standalone'));
}
