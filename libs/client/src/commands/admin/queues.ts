import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { adminOf } from './admin';

export function queuesCommand(cli: CliContext): Command {
  const { say, out } = cli;
  return new Command('queues')
    .description(
      say(
        'Độ dài hàng đợi công việc và số gói tin chờ từng nơi nhận',
        'Depth of the work queues, and what waits for each destination',
      ),
    )
    .action(async () => {
      const answer = await (await adminOf(cli)).queues();
      const oldest = say('Cũ nhất (giây)', 'Oldest (s)');
      out.result(answer, () => [
        ...out.table(
          [say('Hàng đợi', 'Queue'), say('Đang chờ', 'Waiting'), oldest, say('Mỗi phút', 'Per minute')],
          answer.queues.map(({ queue, ready, oldestSeconds, perMinute }) => [queue, ready, oldestSeconds, perMinute]),
        ),
        '',
        ...out.table(
          [
            say('Nơi nhận', 'Destination'),
            say('Đang chờ', 'Waiting'),
            oldest,
            say('Nhận mỗi phút', 'Accepted per minute'),
            say('Trực tuyến', 'Online'),
          ],
          answer.destinations.map(({ systemId, waiting, oldestSeconds, acceptedPerMinute, online }) => [
            systemId,
            waiting,
            oldestSeconds,
            acceptedPerMinute,
            online ? '✓' : '',
          ]),
        ),
      ]);
    });
}
