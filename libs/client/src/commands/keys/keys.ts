import { Command } from 'commander';
import type { LienThongClient } from '../../client';
import type { CliContext } from '../../terminal/cli-context';
import { UsageError } from '../../terminal/failure';
import { printList } from '../admin/admin';
import { defaultAlgorithm, keepKey, type KeyFlags, withKeyFlags } from './key-file';
import { rotate, withRotateFlags } from './rotate';

/** The system's own keys: no administrator needed. */
export function ownKeysCommand(cli: CliContext): Command {
  const { say, out } = cli;
  const keys = new Command('keys').description(say('Khóa của hệ thống này', 'Keys of this system'));
  const own = async (): Promise<LienThongClient['keys']> => (await cli.client({ session: false })).keys;
  const accessKey = say('khóa', 'access key');

  keys
    .command('list')
    .description(say('Liệt kê', 'List'))
    .action(async () => {
      const headings = [
        say('Khóa', 'Key'),
        say('Thuật toán', 'Algorithms'),
        say('Hết hạn', 'Expires'),
        say('Thay bằng', 'Replaced by'),
        say('Dùng gần nhất', 'Last used'),
        say('Thu hồi', 'Revoked'),
      ];
      await printList(cli, (await own()).list(), headings, (key) => [
        key.accessKey,
        key.algorithms.join(' '),
        out.time(key.expiresAt),
        key.replacedBy,
        out.time(key.lastUsedAt),
        out.time(key.revokedAt),
      ]);
    });
  withKeyFlags(
    keys
      .command('register')
      .description(say('Đăng ký khóa công khai RSA của hệ thống', "Register the system's RSA public key")),
    cli,
  ).action(async (flags: KeyFlags) => {
    if (!flags.rsa && !flags.publicKey)
      throw new UsageError(say('Cần --rsa hoặc --public-key.', 'Needs --rsa or --public-key.'));
    await keepKey(cli, { ...flags, adminKey: false }, async (material) =>
      (await own()).register({
        ...material,
        algorithms: [defaultAlgorithm(material)],
        publicKeyPem: material.publicKeyPem ?? '',
      }),
    );
  });
  withRotateFlags(
    keys
      .command('rotate')
      .description(say('Thay khóa mà không ngừng dịch vụ', 'Replace a key without a stop'))
      .argument('<accessKey>', accessKey),
    cli,
  ).action(async (former: string, flags: KeyFlags) =>
    rotate(cli, { ...flags, adminKey: false }, async (rotation) => (await own()).rotate(former, rotation)),
  );
  keys
    .command('revoke')
    .description(say('Thu hồi ngay', 'Revoke at once'))
    .argument('<accessKey>', accessKey)
    .action(async (revoked: string) => {
      await (await own()).revoke(revoked);
      out.result({ accessKey: revoked, revoked: true }, () => say(`✓ Đã thu hồi ${revoked}.`, `✓ Revoked ${revoked}.`));
    });
  return keys;
}
