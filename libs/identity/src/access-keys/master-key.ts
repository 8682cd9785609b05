import { BootError } from '@lienthong/runtime';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const COMMAND_MS = 30_000;

/** @returns the 32 bytes of a master key written in hex, base64 or base64url; undefined when it is none */
export function masterKeyOf(text: string): Buffer | undefined {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64url');
  return bytes.length === 32 && /^[\w+/=-]+$/.test(text) ? bytes : undefined;
}

export interface MasterKeySources {
  MASTER_KEY?: string;
  MASTER_KEY_COMMAND?: string;
  OTHER_MASTER_KEYS?: string;
  OTHER_MASTER_KEYS_COMMAND?: string;
}

export interface MasterKeys {
  masterKey: Buffer;
  /** Open only. */
  others: Buffer[];
}

/**
 * The master keys from the environment, from a file (`MASTER_KEY_FILE`, as any setting: readConfig), or what a command prints (a KMS or HSM client). Keys stand in hex or base64url,
 * several apart by commas or blanks.
 * @throws BootError in one sentence
 */
export async function readMasterKeys(sources: MasterKeySources): Promise<MasterKeys> {
  const [masterKey, ...more] = await keysOf(sources, 'MASTER_KEY');
  if (!masterKey || more.length > 0)
    throw new BootError(
      'No master key: set one of MASTER_KEY, MASTER_KEY_FILE and MASTER_KEY_COMMAND to 32 random bytes in hex or base64url.',
    );
  return { masterKey, others: await keysOf(sources, 'OTHER_MASTER_KEYS') };
}

async function keysOf(sources: MasterKeySources, name: 'MASTER_KEY' | 'OTHER_MASTER_KEYS'): Promise<Buffer[]> {
  const given = [name, `${name}_COMMAND`].filter((key) => sources[key as keyof MasterKeySources]);
  if (given.length > 1) throw new BootError(`${given.join(' and ')} are both set. Keep one.`);
  const source = given[0] as keyof MasterKeySources | undefined;
  if (!source) return [];
  const text = await textOf(source, sources[source]!);
  const keys = text
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .map(masterKeyOf);
  if (keys.length === 0 || keys.includes(undefined))
    throw new BootError(`${source} does not give 32 bytes in hex or base64url.`);
  return keys as Buffer[];
}

async function textOf(source: string, value: string): Promise<string> {
  try {
    if (!source.endsWith('_COMMAND')) return value;
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', value], { timeout: COMMAND_MS });
    return stdout;
  } catch (error) {
    // Neither the command's output nor its arguments: either may hold the key.
    const { code } = error as { code?: string | number };
    throw new BootError(`${source} cannot be read (${code ?? 'no answer'}).`);
  }
}
