import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '@lienthong/persistence';
import { setting } from '../../support/setting';

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
