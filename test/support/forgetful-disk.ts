import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually';

/**
 * The kernel writes by itself only what was changed half a minute ago (`vm.dirty_expire_centisecs`). `commit`: ext4 would sync its journal every five seconds;
 * `noauto_da_alloc`: and write a file that is renamed, for programs that forgot to sync it.
 */
const OPTIONS = 'loop,commit=3600,noauto_da_alloc,noatime';

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe' });

/**
 * A disk that knows at a power cut what was synced to it, and nothing else: ext4 in a file behind a loop device. What the kernel holds of it in its memory
 * alone is not in that file. A disk that lies about what it has written is not what this shows.
 */
export class ForgetfulDisk {
  private constructor(
    readonly folder: string,
    private readonly outside: string,
    private readonly options: string,
  ) {}

  /**
   * @param folder where it is mounted; what lay there is copied onto it, and is there again after `remove`
   * @param options of the mount, such as `dirsync`
   */
  static mount(folder: string, mebibytes: number, ...options: string[]): ForgetfulDisk {
    const outside = mkdtempSync(join(tmpdir(), 'lienthong-power-'));
    const disk = new ForgetfulDisk(folder, outside, [OPTIONS, ...options].join());
    mkdirSync(folder, { recursive: true });
    const before = join(disk.outside, 'before');
    run('cp', '-a', folder, before);
    writeFileSync(disk.image, '');
    truncateSync(disk.image, mebibytes * 1024 * 1024);
    run('mkfs.ext4', '-q', '-F', disk.image);
    disk.mountImage();
    try {
      rmdirSync(join(folder, 'lost+found'));
      run('cp', '-a', `${before}/.`, folder);
      run('sync', '-f', folder);
    } catch (error) {
      disk.remove();
      throw error;
    }
    return disk;
  }

  /**
   * All at one moment: everything that works on them is killed (kill -9), and they are as they were at their last sync.
   * @param disks outer ones before those that are mounted in them
   * @param killOthers ends what works with them without a file open
   */
  static async cutPower(disks: ForgetfulDisk[], killOthers: () => Promise<unknown>): Promise<void> {
    const kill = () => disks.flatMap(({ folder }) => holdersOf(folder)).map(kill9);
    kill();
    await killOthers();
    await eventually(() => kill().length === 0);
    for (const { image } of disks) run('cp', '--sparse=always', image, `${image}.cut`);
    // What is written now goes to the files that are given up.
    for (const disk of disks.toReversed()) {
      await eventually(() => run('umount', disk.folder));
      renameSync(`${disk.image}.cut`, disk.image);
    }
    for (const disk of disks) disk.mountImage();
  }

  remove(): void {
    run('umount', this.folder);
    rmSync(this.outside, { recursive: true });
  }

  private get image(): string {
    return join(this.outside, 'image');
  }

  private mountImage(): void {
    mkdirSync(this.folder, { recursive: true });
    run('mount', '-o', this.options, this.image, this.folder);
  }
}

/** One that has ended meanwhile, with its parent, is as dead as it should be. */
function kill9(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Processes that have a file below the folder open, or work in it. */
function holdersOf(folder: string): number[] {
  const target = (link: string) => {
    try {
      return readlinkSync(link);
    } catch {
      return '';
    }
  };
  const open = (pid: string) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).map((fd) => target(`/proc/${pid}/fd/${fd}`));
    } catch {
      return [];
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => [target(`/proc/${pid}/cwd`), ...open(pid)].some((path) => `${path}/`.startsWith(`${folder}/`)))
    .map(Number);
}

/** Why this machine cannot have one; empty when it can. */
export function cannotForget(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-power-'));
  try {
    ForgetfulDisk.mount(folder, 8).remove();
    return '';
  } catch (error) {
    return `no disk that forgets can be mounted here: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
