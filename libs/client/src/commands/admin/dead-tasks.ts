import { TASK_KINDS, type TaskKind } from '@lienthong/contracts';
import { Command, Option } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { UsageError } from '../../terminal/failure';
import { timeOf } from '../../terminal/time-of';
import { adminOf, printList } from './admin';

interface Filter {
  kind?: TaskKind;
  packet?: string;
}

export function deadTasksCommand(cli: CliContext): Command {
  const { say, out } = cli;
  const tasks = new Command('dead-tasks').description(
    say(
      'Công việc không còn tự chạy lại: xem lý do, cho chạy lại',
      'Tasks that are not tried again by themselves: see why, try again',
    ),
  );
  const filtered = (command: Command) =>
    command
      .addOption(new Option('--kind <kind>', say('chỉ loại này', 'only of this kind')).choices(TASK_KINDS))
      .option('--packet <packetId>', say('chỉ của gói tin này', 'only of this packet'));

  filtered(tasks.command('list').description(say('Liệt kê', 'List'))).action(async ({ kind, packet }: Filter) => {
    const headings = [
      say('Mã', 'Id'),
      say('Loại', 'Kind'),
      say('Gói tin', 'Packet'),
      say('Lần', 'Attempt'),
      say('Lúc', 'At'),
      say('Lý do', 'Reason'),
    ];
    const list = (await adminOf(cli)).deadTasks.list({ kind, packetId: packet });
    await printList(cli, list, headings, (task) => [
      task.taskId,
      task.kind,
      task.packetId,
      task.attempt,
      out.time(task.at),
      task.reason,
    ]);
  });
  filtered(
    tasks
      .command('replay')
      .description(say('Cho chạy lại: theo mã, theo bộ lọc, hoặc --all', 'Try again: by id, by filter, or --all'))
      .argument('[taskId...]', say('mã công việc', 'task ids'))
      .option(
        '--until <when>',
        say(
          'chỉ việc hỏng trước thời điểm này: 2026-11-21T08:00:00+07:00, hoặc 2h: trước đây 2 giờ',
          'only what died before this moment: 2026-11-21T08:00:00+07:00, or 2h: two hours ago',
        ),
      )
      .option('--all', say('tất cả', 'all')),
  ).action(async (taskIds: string[], { kind, packet, until, all }: Filter & { until?: string; all?: boolean }) => {
    if (taskIds.length === 0 && !kind && !packet && !until && !all)
      throw new UsageError(
        say('Cần mã, --kind, --packet, --until hoặc --all.', 'Needs ids, --kind, --packet, --until or --all.'),
      );
    const answer = await (
      await adminOf(cli)
    ).deadTasks.replay({
      ...(taskIds.length > 0 && { taskIds }),
      ...(kind && { kind }),
      ...(packet && { packetId: packet }),
      ...(until && { until: timeOf(until, cli, 'ago') }),
    });
    out.result(answer, () =>
      say(`✓ Cho chạy lại ${answer.replayed} công việc.`, `✓ ${answer.replayed} tasks will be tried again.`),
    );
  });
  return tasks;
}
