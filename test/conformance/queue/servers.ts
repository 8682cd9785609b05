import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '@lienthong/persistence';

const stackFile = join(__dirname, '../../../.stack/env');

/** @returns a setting of the environment, or of the stack that runs beside this checkout. */
export function setting(name: string): string | undefined {
  if (process.env[name]) return process.env[name];
  if (!existsSync(stackFile)) return undefined;
  const line = readFileSync(stackFile, 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${name}=`));
  return line?.slice(name.length + 1) || undefined;
}

/** DATABASE_URL, or a PostgreSQL of this test's own. */
export async function postgresServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const url = setting('DATABASE_URL');
  if (url) return { url, stop: async () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-queue-'));
  const postgres = new EmbeddedPostgres(folder);
  return {
    url: await postgres.start(),
    stop: async () => {
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
