import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Platform } from './platform';

const program = join(__dirname, '../../libs/client/bin/lienthong.js');

/** Runs `lienthong <words>` with the administrator's key, in English. @returns what it wrote; rejects with `code` and `stderr` when it ends badly */
export async function asAdministrator({ baseUrl, adminKey }: Platform, ...words: string[]): Promise<string> {
  const key = { LIENTHONG_ACCESS_KEY: adminKey.keyId, LIENTHONG_SECRET_KEY: String(adminKey.secret) };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [program, '--url', baseUrl, '--lang', 'en', ...words],
    {
      env: { PATH: process.env.PATH, ...key },
    },
  );
  return stdout;
}
