import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { adminOf, printList } from './admin';

export function connectionsCommand(cli: CliContext): Command {
  const { say, out } = cli;
  return new Command('connections')
    .description(say('Lịch sử kết nối của các hệ thống', 'Who connected when, from where and for how long'))
    .option('--system <id>', say('chỉ hệ thống này', 'only this system'))
    .option('--open', say('chỉ những kết nối đang mở', 'only those that are open'))
    .action(async ({ system, open }: { system?: string; open?: boolean }) => {
      const headings = [
        say('Hệ thống', 'System'),
        say('Từ', 'From'),
        say('Mở lúc', 'Opened'),
        say('Đóng lúc', 'Closed'),
        say('Giây', 'Seconds'),
      ];
      const list = (await adminOf(cli)).connections({ systemId: system, open });
      await printList(cli, list, headings, (one) => [
        one.systemId,
        one.address,
        out.time(one.openedAt),
        out.time(one.closedAt),
        one.seconds,
      ]);
    });
}
