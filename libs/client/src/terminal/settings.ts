import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Language, LienThongError } from '@lienthong/contracts';
import type { Credentials } from '../transport/credentials';

/** A key file, as `admin keys issue --out` and the platform itself write it. */
export interface KeyFile extends Credentials {
  baseUrl?: string;
}

export interface Settings {
  baseUrl: string;
  credentials: Credentials | undefined;
  warnings: string[];
}

export interface SettingsSource {
  /** Default `required`. */
  key?: 'required' | 'optional';
  /** The administrator's key that the platform wrote on its first start serves when no other is named. */
  adminKey?: boolean;
}

const ADMIN_KEY_FILE = 'data/admin-key.json';

/**
 * Options first, then the environment, then the key file's own address, then the administrator's key in the data folder where that is meant.
 * @throws LienThongError invalid_configuration, saying what to set
 */
export async function readSettings(
  options: { url?: string; keyFile?: string },
  env: Record<string, string | undefined>,
  { key = 'required', adminKey = false }: SettingsSource,
  language: Language,
): Promise<Settings> {
  const warnings: string[] = [];
  const named = options.keyFile ?? env.LIENTHONG_KEY_FILE;
  const fromEnv = envCredentials(env);
  const fallback = adminKey && !named && !fromEnv ? await ifPresent(ADMIN_KEY_FILE) : undefined;
  const path = named ?? fallback;
  const file =
    path === undefined || (fromEnv && !options.keyFile) ? undefined : await readKeyFile(path, warnings, language);
  const credentials = file ?? fromEnv;
  const baseUrl = options.url ?? env.LIENTHONG_URL ?? file?.baseUrl;
  if (!baseUrl) throw missing('--url | LIENTHONG_URL');
  if (!credentials && key === 'required')
    throw missing('--key-file | LIENTHONG_KEY_FILE | LIENTHONG_ACCESS_KEY + LIENTHONG_SECRET_KEY');
  return { baseUrl, credentials: credentials && keyOnly(credentials), warnings };
}

function envCredentials(env: Record<string, string | undefined>): Credentials | undefined {
  const { LIENTHONG_ACCESS_KEY: accessKey, LIENTHONG_SECRET_KEY: secretKey } = env;
  return accessKey && secretKey ? { accessKey, secretKey } : undefined;
}

async function readKeyFile(path: string, warnings: string[], language: Language): Promise<KeyFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw missing(`${path} (${error.code})`);
  });
  let file: KeyFile;
  try {
    file = JSON.parse(text) as KeyFile;
  } catch {
    throw missing(`${path} (JSON)`);
  }
  if (typeof file.accessKey !== 'string' || !(file.secretKey ?? file.privateKeyPem)) {
    throw missing(`${path} (accessKey, secretKey | privateKeyPem)`);
  }
  if (process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0) {
    warnings.push(
      language === 'vi'
        ? `Tệp khóa ${path} đang cho người khác đọc; chạy: chmod 600 ${path}`
        : `Others can read the key file ${path}; run: chmod 600 ${path}`,
    );
  }
  return file;
}

const keyOnly = ({ accessKey, secretKey, privateKeyPem, algorithm }: Credentials): Credentials => ({
  accessKey,
  secretKey,
  privateKeyPem,
  algorithm,
});

async function ifPresent(path: string): Promise<string | undefined> {
  const full = resolve(path);
  return (await stat(full).catch(() => undefined)) ? full : undefined;
}

const missing = (why: string): LienThongError => new LienThongError('invalid_configuration', { why });
