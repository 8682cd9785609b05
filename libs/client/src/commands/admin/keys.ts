import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '@lienthong/contracts';
import { Command, Option } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { defaultAlgorithm, keepKey, type KeyFlags, withKeyFlags } from '../keys/key-file';
import { rotate, withRotateFlags } from '../keys/rotate';
import { adminOf, printList } from './admin';

interface IssueFlags extends KeyFlags {
  algorithm?: SignatureAlgorithm[];
  bearer?: boolean;
  legacyUntil?: string;
}

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
  withKeyFlags(
    keys
      .command('issue')
      .description(say('Cấp khóa mới; khóa bí mật chỉ hiện một lần', 'Issue a key; its secret is shown this once'))
      .argument('<system>', system)
      .addOption(
        new Option('--algorithm <name...>', say('thuật toán ký', 'signature algorithms')).choices(SIGNATURE_ALGORITHMS),
      )
      .option(
        '--legacy-until <time>',
        say('hmac-sha1 chỉ được dùng đến ngày này', 'until when hmac-sha1 is taken; required with it'),
      )
      .option('--bearer', say('cho phép lấy token (OAuth 2)', 'allow bearer tokens (OAuth 2)')),
    cli,
  ).action(async (systemId: string, flags: IssueFlags) => issue(cli, systemId, flags));
  withRotateFlags(
    keys
      .command('rotate')
      .description(say('Thay khóa mà không ngừng dịch vụ', 'Replace a key without a stop'))
      .argument('<system>', system)
      .argument('<accessKey>', say('khóa', 'access key')),
    cli,
  ).action(async (systemId: string, former: string, flags: KeyFlags) =>
    rotate(cli, { ...flags, adminKey: true }, async (rotation) =>
      (await adminOf(cli)).keys.rotate(systemId, former, rotation),
    ),
  );
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
  const admin = await adminOf(cli);
  await keepKey(cli, { ...flags, adminKey: true }, (material) =>
    admin.keys.issue(systemId, {
      ...material,
      algorithms: flags.algorithm ?? [defaultAlgorithm(material)],
      ...(flags.bearer && { bearer: true }),
      ...(flags.legacyUntil && { legacyUntil: new Date(flags.legacyUntil).toISOString() }),
    }),
  );
}
