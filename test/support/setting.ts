import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const stackFile = join(__dirname, '../../.stack/env');

/** @returns a setting of the environment, or of the stack that runs beside this checkout. */
export function setting(name: string): string | undefined {
  if (process.env[name]) return process.env[name];
  if (!existsSync(stackFile)) return undefined;
  const line = readFileSync(stackFile, 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${name}=`));
  return line?.slice(name.length + 1) || undefined;
}
