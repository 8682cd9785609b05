import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '@lienthong/persistence';
import { BootError } from '@lienthong/runtime';

export interface LocalSecrets {
  platformSecret: string;
  masterKey: string;
}

/**
 * The secrets of a platform on the embedded default: made once, kept beside the data that they open (mode 0600).
 * @throws BootError in one sentence when the folder cannot be written or the file is damaged
 */
export function localSecrets(folder: string): LocalSecrets {
  const file = join(folder, 'secrets.json');
  if (existsSync(file)) return read(file);
  const secrets = {
    platformSecret: randomBytes(32).toString('base64url'),
    masterKey: randomBytes(32).toString('base64url'),
  };
  try {
    writeDurably(file, JSON.stringify(secrets));
  } catch (error) {
    throw new BootError(
      `The data folder ${folder} cannot be written (${(error as NodeJS.ErrnoException).code}). Give this user the right, or set DATA_DIR to another.`,
    );
  }
  return secrets;
}

function read(file: string): LocalSecrets {
  try {
    const { platformSecret, masterKey } = JSON.parse(readFileSync(file, 'utf8')) as Partial<LocalSecrets>;
    if (platformSecret && masterKey) return { platformSecret, masterKey };
  } catch {
    // Said below in one sentence, whatever is wrong with it.
  }
  throw new BootError(
    `${file} is damaged. Restore it from the backup of this data folder: without it the data cannot be opened.`,
  );
}
