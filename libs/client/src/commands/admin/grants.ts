import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { adminOf, printList } from './admin';

export function grantsCommand(cli: CliContext): Command {
  const { say, out } = cli;
  const grants = new Command('grants').description(
    say('Quyền gửi: ai gửi loại dữ liệu nào cho ai', 'Grants: who may send which data type to whom'),
  );

  grants
    .command('list')
    .description(say('Liệt kê', 'List'))
    .action(async () => {
      const headings = [say('Mã', 'Id'), say('Từ', 'From'), say('Tới', 'To'), say('Loại dữ liệu', 'Data types')];
      await printList(cli, (await adminOf(cli)).grants.list(), headings, (grant) => [
        grant.grantId,
        grant.from,
        grant.to,
        grant.dataTypes.join(' '),
      ]);
    });
  grants
    .command('create')
    .description(say('Cấp quyền', 'Grant'))
    .requiredOption('--from <address>', say('mã cơ quan, hệ thống, hoặc *', 'agency code, system id, or *'))
    .requiredOption('--to <address>', say('mã cơ quan, hệ thống, hoặc *', 'agency code, system id, or *'))
    .requiredOption('--types <dataType...>', say('các loại dữ liệu, hoặc *', 'data types, or *'))
    .action(async ({ from, to, types }: { from: string; to: string; types: string[] }) => {
      const grant = await (await adminOf(cli)).grants.create({ from, to, dataTypes: types });
      out.result(grant, () => `✓ ${grant.grantId}  ${grant.from} → ${grant.to}  ${grant.dataTypes.join(' ')}`);
    });
  grants
    .command('remove')
    .description(say('Bỏ quyền', 'Remove'))
    .argument('<grantId>', say('mã quyền', 'grant id'))
    .action(async (grantId: string) => {
      await (await adminOf(cli)).grants.remove(grantId);
      out.result({ grantId, removed: true }, () => say(`✓ Đã bỏ quyền ${grantId}.`, `✓ Removed ${grantId}.`));
    });
  return grants;
}
