import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of a few MiB, in memory, that a test may fill to the last byte without harm to the machine. */
export class SmallDisk {
  private readonly ballast: string;

  private constructor(readonly folder: string) {
    this.ballast = join(folder, 'ballast');
  }

  /** @param folder where it is mounted; what lay there is copied onto it, and is there again after `remove` @param mebibytes free beside that */
  static mount(folder: string, mebibytes: number): SmallDisk {
    mkdirSync(folder, { recursive: true });
    const { uid, gid, mode } = statSync(folder);
    const copy = mkdtempSync(join(tmpdir(), 'lienthong-disk-'));
    execFileSync('cp', ['-a', `${folder}/.`, copy]);
    const [lay] = execFileSync('du', ['-s', '--block-size=1M', copy], { encoding: 'utf8' }).split('\t');
    const options = `size=${Number(lay) + mebibytes}m,uid=${uid},gid=${gid},mode=${(mode & 0o777).toString(8)}`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' });
    try {
      execFileSync('cp', ['-a', `${copy}/.`, folder], { stdio: 'pipe' });
    } catch (error) {
      execFileSync('umount', [folder], { stdio: 'pipe' });
      throw error;
    } finally {
      rmSync(copy, { recursive: true });
    }
    return new SmallDisk(folder);
  }

  /** Leaves nothing free. */
  fill(): void {
    // Ends when nothing more can be written, which is its only failure here.
    spawnSync('dd', ['if=/dev/zero', `of=${this.ballast}`, 'bs=4096'], { stdio: 'ignore' });
    const { bavail } = statfsSync(this.folder);
    if (bavail > 16) throw new Error(`${this.folder} has ${bavail} blocks free and cannot be filled.`);
  }

  free(): void {
    rmSync(this.ballast, { force: true });
  }

  remove(): void {
    execFileSync('umount', [this.folder], { stdio: 'pipe' });
  }
}

/** Why this machine cannot mount one; empty when it can. */
export function cannotMount(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-disk-'));
  try {
    SmallDisk.mount(folder, 1).remove();
    return '';
  } catch (error) {
    return `no small file system can be mounted here: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
