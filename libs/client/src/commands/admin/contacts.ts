import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { adminOf, printList } from './admin';

export function contactsCommand(cli: CliContext): Command {
  const { say, out } = cli;
  return new Command('contacts')
    .description(
      say(
        'Hệ thống nào đang trực tuyến, hỏi vòng hay nhận webhook, lỗi gì',
        'How each system is reached: stream, poll, webhook',
      ),
    )
    .option('--system <id>', say('chỉ hệ thống này', 'only this system'))
    .action(async ({ system }: { system?: string }) => {
      const headings = [
        say('Hệ thống', 'System'),
        say('Trực tuyến', 'Online'),
        say('Hỏi vòng (30 ngày)', 'Polls (30 days)'),
        say('Webhook (30 ngày)', 'Webhooks (30 days)'),
        say('Trạng thái webhook', 'Webhook state'),
        say('Lỗi gần nhất', 'Last error'),
      ];
      await printList(cli, (await adminOf(cli)).contacts({ systemId: system }), headings, (one) => [
        one.systemId,
        one.online ? say('có', 'yes') : say('không', 'no'),
        one.polls,
        one.webhooks,
        one.webhook?.state,
        one.webhook?.lastError ? `${one.webhook.lastError} ${out.time(one.webhook.lastErrorAt)}` : '',
      ]);
    });
}
