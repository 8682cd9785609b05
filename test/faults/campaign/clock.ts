import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Fault, oneOf, type Random } from './fault';

const preload = join(__dirname, 'wrong-clock.cjs');
const MINUTE = 60_000;
const STEPS: [string, number][] = [
  ['5 minutes ahead', 5 * MINUTE],
  ['5 minutes back', -5 * MINUTE],
  ['an hour ahead', 60 * MINUTE],
  ['an hour back', -60 * MINUTE],
];

/** Settings of a process whose wall clock a file decides. */
export const clockSettings = (file: string): Record<string, string> => ({
  NODE_OPTIONS: `--require ${preload}`,
  CLOCK_FILE: file,
});

/** The clock of one process jumps, and after a while jumps back. @param files of the processes */
export function clockFaults(files: string[], random: Random): Fault[] {
  return STEPS.map(([what, shiftMs]) => {
    let struck = '';
    return {
      name: `the clock of a process jumps ${what}`,
      atMostMs: 10_000,
      strike: async () => {
        struck = oneOf(random, files);
        writeFileSync(struck, String(shiftMs));
      },
      mend: async () => rmSync(struck, { force: true }),
    };
  });
}
