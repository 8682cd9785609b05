import type { AgencyChange, Contact } from '@lienthong/contracts';
import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { adminOf, printList } from './admin';

interface Flags extends ContactFlags {
  name?: string;
  parent?: string;
  alias?: string[];
  successor?: string;
  dissolved?: boolean;
}

export function agenciesCommand(cli: CliContext): Command {
  const { say, out } = cli;
  const agencies = new Command('agencies').description(say('Cơ quan', 'Agencies'));
  const described = (command: Command): Command =>
    withContactFlags(cli, command)
      .option('--parent <code>', say('cơ quan cấp trên', 'parent agency'))
      .option('--alias <code...>', say('mã cũ (000.00.14.H01)', 'old codes (000.00.14.H01)'));

  agencies
    .command('list')
    .description(say('Liệt kê', 'List'))
    .action(async () => {
      const headings = [
        say('Mã', 'Code'),
        say('Tên', 'Name'),
        say('Cấp trên', 'Parent'),
        say('Mã cũ', 'Aliases'),
        say('Kế thừa', 'Successor'),
      ];
      await printList(cli, (await adminOf(cli)).agencies.list(), headings, (agency) => [
        agency.code,
        agency.name,
        agency.parentCode,
        agency.aliases.join(' '),
        agency.successorCode ?? (agency.dissolvedAt ? say('đã giải thể', 'dissolved') : ''),
      ]);
    });
  described(agencies.command('create'))
    .description(say('Thêm một cơ quan', 'Add an agency'))
    .requiredOption('--code <code>', say('mã định danh (H01.14)', 'identity code (H01.14)'))
    .requiredOption('--name <name>', say('tên', 'name'))
    .action(async ({ code, name, ...flags }: Flags & { code: string; name: string }) => {
      const agency = await (await adminOf(cli)).agencies.create({ code, name, ...common(flags) });
      out.result(agency, () => `✓ ${agency.code}  ${agency.name}`);
    });
  described(agencies.command('change'))
    .description(say('Sửa, đổi tên, sáp nhập', 'Change, rename, merge'))
    .argument('<code>', say('mã định danh', 'identity code'))
    .option('--name <name>', say('tên mới', 'new name'))
    .option('--successor <code>', say('cơ quan kế thừa', 'successor agency'))
    .option('--dissolved', say('đánh dấu đã giải thể', 'mark as dissolved'))
    .action(async (code: string, { name, successor, dissolved, ...flags }: Flags) => {
      const change: AgencyChange = {
        ...common(flags),
        ...(name && { name }),
        ...(successor && { successorCode: successor }),
        ...(dissolved && { dissolved }),
      };
      const agency = await (await adminOf(cli)).agencies.change(code, change);
      out.result(agency, () => `✓ ${agency.code}  ${agency.name}`);
    });
  return agencies;
}

const common = ({ parent, alias, ...flags }: Flags) => ({
  ...(parent && { parentCode: parent }),
  ...(alias && { aliases: alias }),
  ...contactOf(flags),
});

export interface ContactFlags {
  contactName?: string;
  contactEmail?: string;
  contactPhone?: string;
}

/** Whom reminders go to, of an agency or a system. */
export const withContactFlags = ({ say }: CliContext, command: Command): Command =>
  command
    .option('--contact-name <name>', say('đầu mối liên hệ', 'contact person'))
    .option('--contact-email <email>', say('thư điện tử của đầu mối', 'contact e-mail'))
    .option('--contact-phone <phone>', say('điện thoại của đầu mối', 'contact phone'));

export function contactOf({ contactName, contactEmail, contactPhone }: ContactFlags): { contact?: Contact } {
  const contact: Contact = {
    ...(contactName && { name: contactName }),
    ...(contactEmail && { email: contactEmail }),
    ...(contactPhone && { phone: contactPhone }),
  };
  return Object.keys(contact).length > 0 ? { contact } : {};
}
