import { readMasterKeys } from '@lienthong/identity';
import { readConfig } from '@lienthong/runtime';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authSettings } from './auth.config';

const key = Buffer.alloc(32, 7);
const other = Buffer.alloc(32, 8);

describe('the master key of auth', () => {
  it('comes from a file, a value or a command of its settings', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lienthong-auth-config-'));
    try {
      const file = join(folder, 'key');
      writeFileSync(file, `${key.toString('base64url')}\n`);
      const base = {
        DATABASE_URL: 'postgres://localhost/lienthong',
        PLATFORM_SECRET: 'x'.repeat(43),
        PUBLIC_URL: 'http://localhost',
      };
      const sources: Record<string, string>[] = [
        { MASTER_KEY_FILE: file },
        { MASTER_KEY: key.toString('hex') },
        { MASTER_KEY_COMMAND: `cat ${file}` },
      ];
      for (const source of sources) {
        const config = readConfig(authSettings, { ...base, ...source, OTHER_MASTER_KEYS: other.toString('hex') });
        expect(await readMasterKeys(config)).toEqual({ masterKey: key, others: [other] });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
