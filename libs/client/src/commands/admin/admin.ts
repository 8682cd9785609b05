import { Command } from 'commander';
import type { LienThongClient } from '../../client';
import type { CliContext } from '../../terminal/cli-context';
import { agenciesCommand } from './agencies';
import { auditCommand } from './audit';
import { adminCalendarCommand } from '../calendar/calendar';
import { connectionsCommand } from './connections';
import { contactsCommand } from './contacts';
import { deadTasksCommand } from './dead-tasks';
import { grantsCommand } from './grants';
import { keysCommand } from './keys';
import { platformKeysCommand } from './platform-keys';
import { policyCommand } from './policies';
import { queuesCommand } from './queues';
import { systemsCommand } from './systems';

export function adminCommand(cli: CliContext): Command {
  const admin = new Command('admin').description(
    cli.say(
      'Quản trị nền tảng: cơ quan, hệ thống, khóa, quyền, hàng đợi, nhật ký kiểm toán',
      'Administer the platform: agencies, systems, keys, grants, queues, audit log',
    ),
  );
  for (const command of [
    agenciesCommand,
    systemsCommand,
    policyCommand,
    adminCalendarCommand,
    keysCommand,
    platformKeysCommand,
    grantsCommand,
    queuesCommand,
    auditCommand,
    deadTasksCommand,
    connectionsCommand,
    contactsCommand,
  ])
    admin.addCommand(command(cli));
  admin
    .command('legacy')
    .description(cli.say('Khóa còn được dùng hmac-sha1', 'Keys that may still sign with hmac-sha1'))
    .action(async () => {
      const { say, out } = cli;
      const headings = [
        say('Khóa', 'Key'),
        say('Hệ thống', 'System'),
        say('Đến ngày', 'Until'),
        say('Dùng gần nhất', 'Last used'),
        say('30 ngày qua', 'In 30 days'),
        say('Tất cả', 'In all'),
      ];
      await printList(cli, (await adminOf(cli)).legacySignatures(), headings, (key) => [
        key.accessKey,
        key.systemId,
        out.time(key.legacyUntil),
        out.time(key.lastUsedAt),
        key.uses30Days,
        key.usesInAll,
      ]);
    });
  admin
    .command('rewrap')
    .description(
      cli.say(
        'Chuyển mọi khóa bí mật sang khóa chủ hiện hành (không dừng nền tảng)',
        'Put every secret under the present master key (the platform goes on)',
      ),
    )
    .action(async () => {
      const answer = await (await adminOf(cli)).rewrap();
      cli.out.result(answer, () =>
        cli.say(`✓ Đã chuyển ${answer.rewrapped} khóa bí mật.`, `✓ Rewrapped ${answer.rewrapped} secrets.`),
      );
    });
  return admin;
}

/** Administration is signed with the access key itself, by default the one that the platform wrote on its first start. */
export const adminOf = async (cli: CliContext): Promise<LienThongClient['admin']> =>
  (await cli.client({ adminKey: true, session: false })).admin;

/** With `--json` each item is one line; for people a table. */
export async function printList<T>(
  { out, say }: CliContext,
  items: AsyncIterable<T>,
  headings: string[],
  row: (item: T) => (string | number | null | undefined)[],
): Promise<void> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  if (out.json) for (const item of all) out.result(item, () => []);
  else if (all.length === 0) out.note(say('Chưa có gì.', 'Nothing yet.'));
  else for (const line of out.table(headings, all.map(row))) out.line(line);
}
