import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { UsageError } from '../../terminal/failure';
import { PACKET_STATE_LABELS } from '../../terminal/labels';
import { timeOf } from '../../terminal/time-of';

export function resendCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('resend')
    .description(
      say('Gửi lại tới những nơi đã từ chối hoặc không giao được', 'Send again to whom it was not delivered'),
    )
    .argument('<packetId>', say('mã gói tin', 'packet id'))
    .argument('[files...]', say('các tệp đã gửi, nếu nội dung đã xóa', 'the same files, where the content is deleted'))
    .option('--to <address...>', say('chỉ tới những nơi này', 'only to these'))
    .option('--deliver-by <time>', say('hạn mới (2026-12-01T08:00:00+07:00, hoặc 2d)', 'the new deadline (or 2d)'))
    .action(async (packetId: string, files: string[], { to, deliverBy }: { to?: string[]; deliverBy?: string }) => {
      const client = await cli.client();
      const asked = { ...(to && { to }), ...(deliverBy && { deliverBy: timeOf(deliverBy, cli) }) };
      const answer = await client.resendFiles(packetId, asked, files);
      if (answer.space && files.length === 0)
        throw new UsageError(
          say(
            'Nội dung đã xóa khỏi nền tảng: chạy lại kèm chính các tệp đã gửi.',
            'The content is deleted from the platform: run this again with the same files.',
          ),
        );
      cli.out.result(answer, () => [
        `${cli.out.style('green', '✓')} ${answer.packetId}  ${PACKET_STATE_LABELS[answer.state][cli.language]}`,
        ...answer.recipients.map(({ address }) => `  → ${address}`),
      ]);
    });
}
