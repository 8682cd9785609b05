import { generateKeyPair } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { IssuedKey, SignatureAlgorithm } from '@lienthong/contracts';
import type { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { UsageError } from '../../terminal/failure';
import type { KeyFile } from '../../terminal/settings';

export interface KeyFlags {
  publicKey?: string;
  rsa?: boolean;
  expiresAt?: string;
  out?: string;
}

/** What the platform is told of a new key. */
export interface KeyMaterial {
  publicKeyPem?: string;
  expiresAt?: string;
}

/** NIST SP 800-57: 3072 bits are as strong as 128-bit symmetric keys. */
const RSA_BITS = 3072;

/** The options by which a new key is described, and the file that it is kept in. */
export function withKeyFlags(command: Command, { say }: CliContext): Command {
  return command
    .option(
      '--rsa',
      say(
        'tạo cặp khóa RSA tại máy này; khóa riêng không rời máy',
        'make an RSA pair here; the private key does not leave this machine',
      ),
    )
    .option('--public-key <file>', say('khóa công khai RSA có sẵn (PEM)', 'an RSA public key of your own (PEM)'))
    .option('--expires-at <time>', say('hết hạn lúc', 'expires at'))
    .option(
      '--out <file>',
      say('ghi tệp khóa, chỉ người dùng này đọc được', 'write a key file that only this user can read'),
    );
}

/**
 * Has a key made and keeps it in the file of `--out`, or shows its secret this once. The file is opened first: better no key than one whose
 * secret could not be kept.
 * @param make asks the platform for the key
 * @param notes lines that people see below it
 */
export async function keepKey<K extends IssuedKey>(
  cli: CliContext,
  flags: KeyFlags & { adminKey: boolean },
  make: (material: KeyMaterial) => Promise<K>,
  notes: (key: K) => string[] = () => [],
): Promise<void> {
  const { say, out } = cli;
  if (flags.rsa && !flags.out)
    throw new UsageError(say('--rsa cần --out, để lưu khóa riêng.', '--rsa needs --out, to keep the private key.'));
  const { baseUrl } = await cli.settings({ adminKey: flags.adminKey });
  const pair = flags.rsa ? await rsaPair() : undefined;
  const publicKeyPem = pair?.publicKey ?? (flags.publicKey && (await readFile(flags.publicKey, 'utf8')));
  const file = flags.out === undefined ? undefined : await open(flags.out, 'wx', 0o600);
  try {
    const key = await make({
      ...(publicKeyPem && { publicKeyPem }),
      ...(flags.expiresAt && { expiresAt: new Date(flags.expiresAt).toISOString() }),
    });
    const content = fileOf(key, pair?.privateKey, baseUrl);
    await file?.writeFile(`${JSON.stringify(content, null, 2)}\n`);
    await file?.sync();
    const shown = file ? { ...key, secretKey: undefined, file: flags.out } : key;
    out.result(shown, () => [
      `✓ ${key.accessKey}  ${key.systemId}  ${key.algorithms.join(' ')}`,
      ...(file
        ? [
            say(
              `Đã ghi ${flags.out}; giao tệp này cho đơn vị qua đường an toàn.`,
              `Written to ${flags.out}; hand it over by a safe way.`,
            ),
          ]
        : []),
      ...(!file && key.secretKey
        ? [`  ${say('Khóa bí mật (chỉ hiện lần này)', 'Secret (shown this once)')}: ${key.secretKey}`]
        : []),
      ...notes(key),
    ]);
  } catch (error) {
    if (flags.out && file) await rm(flags.out);
    throw error;
  } finally {
    await file?.close();
  }
}

export const defaultAlgorithm = ({ publicKeyPem }: KeyMaterial): SignatureAlgorithm =>
  publicKeyPem ? 'rsa-pss-sha512' : 'hmac-sha256';

const fileOf = (
  { accessKey, secretKey, algorithms }: IssuedKey,
  privateKeyPem: string | undefined,
  baseUrl: string,
): KeyFile => ({
  accessKey,
  ...(secretKey && { secretKey }),
  ...(privateKeyPem && { privateKeyPem }),
  algorithm: algorithms[0],
  baseUrl,
});

async function rsaPair(): Promise<{ publicKey: string; privateKey: string }> {
  return promisify(generateKeyPair)('rsa', {
    modulusLength: RSA_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}
