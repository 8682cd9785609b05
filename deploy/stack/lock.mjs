import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { makeStackDir, say, stackPath } from './settings.mjs';
import { sleep } from './supervise.mjs';

/** One `up` or `down` at a time in a stack folder; a lock whose holder is dead is taken over. */
export async function withLock(work) {
  makeStackDir();
  const file = stackPath('lock');
  for (let told = false; ; told = true) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = holderOf(file);
      if (holder === undefined) rmSync(file, { force: true });
      else if (!told) say(`waiting for process ${holder}, which is at work on this stack`);
      await sleep(holder === undefined ? 20 : 500);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function holderOf(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    process.kill(pid, 0);
    return pid || undefined;
  } catch {
    return undefined;
  }
}
