import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { UsageError } from '../../terminal/failure';
import { adminOf, printList } from './admin';
import { type ContactFlags, contactOf, withContactFlags } from './agencies';

interface NewFlags extends ContactFlags {
  id: string;
  name: string;
  receives: string[];
  default?: boolean;
}
interface Flags extends ContactFlags {
  name?: string;
  receives?: string[];
  default?: boolean;
  suspend?: boolean;
  resume?: boolean;
}

export function systemsCommand(cli: CliContext): Command {
  const { say, out } = cli;
  const systems = new Command('systems').description(say('Hệ thống của các cơ quan', 'Systems of the agencies'));

  systems
    .command('list')
    .description(say('Liệt kê', 'List'))
    .action(async () => {
      const headings = [
        say('Hệ thống', 'System'),
        say('Tên', 'Name'),
        say('Nhận', 'Receives'),
        say('Mặc định', 'Default'),
        say('Tạm ngừng', 'Suspended'),
      ];
      await printList(cli, (await adminOf(cli)).systems.list(), headings, (system) => [
        system.id,
        system.name,
        system.receives.join(' '),
        system.default ? '✓' : '',
        system.suspendedAt ? out.time(system.suspendedAt) : '',
      ]);
    });
  withContactFlags(cli, systems.command('create'))
    .description(say('Thêm một hệ thống', 'Add a system'))
    .requiredOption('--id <id>', say('mã hệ thống (H01.14/qlvb)', 'system id (H01.14/qlvb)'))
    .requiredOption('--name <name>', say('tên', 'name'))
    .requiredOption('--receives <dataType...>', say('các loại dữ liệu nhận được', 'data types that it receives'))
    .option('--default', say('hệ thống mặc định của cơ quan', 'the default system of its agency'))
    .action(async ({ id, name, receives, default: isDefault, ...flags }: NewFlags) => {
      const body = { id, name, receives, ...(isDefault && { default: true }), ...contactOf(flags) };
      const system = await (await adminOf(cli)).systems.create(body);
      out.result(system, () => `✓ ${system.id}  ${system.name}`);
    });
  withContactFlags(cli, systems.command('change'))
    .description(say('Sửa, tạm ngừng, cho chạy lại', 'Change, suspend, resume'))
    .argument('<id>', say('mã hệ thống', 'system id'))
    .option('--name <name>', say('tên mới', 'new name'))
    .option('--receives <dataType...>', say('các loại dữ liệu nhận được', 'data types that it receives'))
    .option('--default', say('hệ thống mặc định của cơ quan', 'the default system of its agency'))
    .option('--suspend', say('tạm ngừng', 'suspend'))
    .option('--resume', say('cho chạy lại', 'resume'))
    .action(async (id: string, { name, receives, default: isDefault, suspend, resume, ...flags }: Flags) => {
      if (suspend && resume)
        throw new UsageError(say('Chỉ chọn một: --suspend hoặc --resume.', 'Choose one: --suspend or --resume.'));
      const system = await (
        await adminOf(cli)
      ).systems.change(id, {
        ...(name && { name }),
        ...(receives && { receives }),
        ...(isDefault && { default: true }),
        ...((suspend || resume) && { suspended: suspend === true }),
        ...contactOf(flags),
      });
      out.result(system, () => `✓ ${system.id}  ${system.name}`);
    });
  return systems;
}
