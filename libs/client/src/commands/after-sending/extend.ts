import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { timeOf } from '../../terminal/time-of';

export function extendCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('extend')
    .description(say('Gia hạn giao cho những nơi chưa kết thúc', 'Give the destinations that have not ended more time'))
    .argument('<packetId>', say('mã gói tin', 'packet id'))
    .requiredOption(
      '--deliver-by <time>',
      say('hạn mới (2026-12-01T08:00:00+07:00, hoặc 2d)', 'the new deadline (or 2d)'),
    )
    .action(async (packetId: string, { deliverBy }: { deliverBy: string }) => {
      const answer = await (await cli.client()).packets.extend(packetId, timeOf(deliverBy, cli));
      cli.out.result(answer, () => [
        `${answer.packetId}  ${say('hạn giao mới', 'new deadline')}: ${cli.out.time(answer.deliverBy)}`,
        ...answer.deliveries.map(({ systemId }) => `  → ${systemId}`),
      ]);
    });
}
