import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { PACKET_STATE_LABELS } from '../../terminal/labels';

export function recallCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('recall')
    .description(say('Thu hồi gói tin ở những nơi chưa xác nhận', 'Take a packet back wherever it is not accepted yet'))
    .argument('<packetId>', say('mã gói tin', 'packet id'))
    .requiredOption('--reason <text>', say('lý do, nơi nhận sẽ thấy', 'why; the destinations will see it'))
    .action(async (packetId: string, { reason }: { reason: string }) => {
      const answer = await (await cli.client()).packets.recall(packetId, reason);
      const outcomes = {
        recalled: say('đã thu hồi', 'recalled'),
        recallRequested: say('đã nhận rồi; đã gửi đề nghị thu hồi', 'accepted already; asked to give it back'),
        alreadyFinal: say('đã kết thúc', 'final already'),
      };
      cli.out.result(answer, () => [
        `${answer.packetId}  ${PACKET_STATE_LABELS[answer.state][cli.language]}`,
        ...answer.deliveries.map(({ systemId, outcome }) => `  → ${systemId}: ${outcomes[outcome]}`),
      ]);
    });
}
