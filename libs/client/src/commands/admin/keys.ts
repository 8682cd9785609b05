import { generateKeyPair } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '@lienthong/contracts';
import { Command, Option } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { UsageError } from '../../terminal/failure';
import type { KeyFile } from '../../terminal/settings';
import { adminOf, printList } from './admin';

interface IssueFlags {
  algorithm: SignatureAlgorithm[];
  publicKey?: string;
  rsa?: boolean;
  bearer?: boolean;
  expiresAt?: string;
  out?: string;
}

/** NIST SP 800-57: 3072 bits are as strong as 128-bit symmetric keys. */
const RSA_BITS = 3072;

export function keysCommand(cli: CliContext): Command {
  const { say, out } = cli;
  const keys = new Command('keys').description(say('Khóa truy cập của hệ thống', 'Access keys of a system'));
  const system = say('mã hệ thống (H01.14/qlvb)', 'system id (H01.14/qlvb)');

  keys
    .command('list')
    .description(say('Liệt kê', 'List'))
    .argument('<system>', system)
    .action(async (systemId: string) => {
      const headings = [
        say('Khóa', 'Key'),
        say('Thuật toán', 'Algorithms'),
        say('Hết hạn', 'Expires'),
        say('Dùng gần nhất', 'Last used'),
        say('Thu hồi', 'Revoked'),
      ];
      await printList(cli, (await adminOf(cli)).keys.list(systemId), headings, (key) => [
        key.accessKey,
        key.algorithms.join(' '),
        out.time(key.expiresAt),
        out.time(key.lastUsedAt),
        out.time(key.revokedAt),
      ]);
    });
  keys
    .command('issue')
    .description(say('Cấp khóa mới; khóa bí mật chỉ hiện một lần', 'Issue a key; its secret is shown this once'))
    .argument('<system>', system)
    .addOption(
      new Option('--algorithm <name...>', say('thuật toán ký', 'signature algorithms')).choices(SIGNATURE_ALGORITHMS),
    )
    .option(
      '--rsa',
      say(
        'tạo cặp khóa RSA tại máy này; khóa riêng không rời máy',
        'make an RSA pair here; the private key does not leave this machine',
      ),
    )
    .option('--public-key <file>', say('khóa công khai RSA có sẵn (PEM)', 'an RSA public key of your own (PEM)'))
    .option('--bearer', say('cho phép lấy token (OAuth 2)', 'allow bearer tokens (OAuth 2)'))
    .option('--expires-at <time>', say('hết hạn lúc', 'expires at'))
    .option(
      '--out <file>',
      say('ghi tệp khóa, chỉ người dùng này đọc được', 'write a key file that only this user can read'),
    )
    .action(async (systemId: string, flags: IssueFlags) => issue(cli, systemId, flags));
  keys
    .command('revoke')
    .description(say('Thu hồi ngay', 'Revoke at once'))
    .argument('<system>', system)
    .argument('<accessKey>', say('khóa', 'access key'))
    .action(async (systemId: string, accessKey: string) => {
      await (await adminOf(cli)).keys.revoke(systemId, accessKey);
      out.result({ systemId, accessKey, revoked: true }, () =>
        say(`✓ Đã thu hồi ${accessKey}.`, `✓ Revoked ${accessKey}.`),
      );
    });
  return keys;
}

async function issue(cli: CliContext, systemId: string, flags: IssueFlags): Promise<void> {
  const { say, out } = cli;
  if (flags.rsa && !flags.out)
    throw new UsageError(say('--rsa cần --out, để lưu khóa riêng.', '--rsa needs --out, to keep the private key.'));
  const { baseUrl } = await cli.settings({ adminKey: true });
  const pair = flags.rsa ? await rsaPair() : undefined;
  const publicKeyPem = pair?.publicKey ?? (flags.publicKey && (await readFile(flags.publicKey, 'utf8')));
  const algorithms = flags.algorithm ?? [publicKeyPem ? 'rsa-pss-sha512' : 'hmac-sha256'];
  // Opened first: better no key than one whose secret could not be kept.
  const file = flags.out === undefined ? undefined : await open(flags.out, 'wx', 0o600);
  try {
    const key = await (
      await adminOf(cli)
    ).keys.issue(systemId, {
      algorithms,
      ...(publicKeyPem && { publicKeyPem }),
      ...(flags.bearer && { bearer: true }),
      ...(flags.expiresAt && { expiresAt: new Date(flags.expiresAt).toISOString() }),
    });
    const { accessKey, secretKey } = key;
    const content: KeyFile = {
      accessKey,
      ...(secretKey && { secretKey }),
      ...(pair && { privateKeyPem: pair.privateKey }),
      algorithm: algorithms[0],
      baseUrl,
    };
    await file?.writeFile(`${JSON.stringify(content, null, 2)}\n`);
    await file?.sync();
    const shown = file ? { ...key, secretKey: undefined, file: flags.out } : key;
    out.result(shown, () => [
      `✓ ${accessKey}  ${systemId}  ${algorithms.join(' ')}`,
      ...(file
        ? [
            say(
              `Đã ghi ${flags.out}; giao tệp này cho đơn vị qua đường an toàn.`,
              `Written to ${flags.out}; hand it over by a safe way.`,
            ),
          ]
        : []),
      ...(!file && secretKey
        ? [`  ${say('Khóa bí mật (chỉ hiện lần này)', 'Secret (shown this once)')}: ${secretKey}`]
        : []),
    ]);
  } catch (error) {
    if (flags.out && file) await rm(flags.out);
    throw error;
  } finally {
    await file?.close();
  }
}

async function rsaPair(): Promise<{ publicKey: string; privateKey: string }> {
  return promisify(generateKeyPair)('rsa', {
    modulusLength: RSA_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}
