import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { adminOf, printList } from './admin';

export function platformKeysCommand(cli: CliContext): Command {
  const { say, out } = cli;
  const keys = new Command('platform-keys').description(
    say('Khóa mà nền tảng dùng để ký biên nhận', 'Keys by which the platform signs receipts'),
  );
  keys
    .command('list')
    .description(say('Liệt kê', 'List'))
    .action(async () => {
      const headings = ['kid', say('Trạng thái', 'State'), say('Ký từ', 'Signs from'), say('Thôi ký', 'Retired')];
      const states = {
        published: say('đã công bố, chưa ký', 'published'),
        signing: say('đang ký', 'signing'),
        retired: say('đã thôi ký', 'retired'),
        destroyed: say('khóa riêng đã hủy', 'private half destroyed'),
      };
      await printList(cli, (await adminOf(cli)).platformKeys.list(), headings, (key) => [
        key.kid,
        states[key.state],
        out.time(key.signsFrom),
        out.time(key.retiredAt),
      ]);
    });
  keys
    .command('rotate')
    .description(say('Thay khóa ký (không dừng nền tảng)', 'Replace the signing key (the platform goes on)'))
    .option(
      '--immediately',
      say(
        'ký bằng khóa mới ngay, khi nghi khóa cũ bị lộ',
        'sign with the new key at once, when the old one may be known',
      ),
    )
    .action(async ({ immediately }: { immediately?: boolean }) => {
      const key = await (await adminOf(cli)).platformKeys.rotate(immediately ? { immediately } : {});
      out.result(key, () => [
        say(
          `✓ Khóa mới ${key.kid}, ký từ ${out.time(key.signsFrom)}.`,
          `✓ New key ${key.kid}, signs from ${out.time(key.signsFrom)}.`,
        ),
        say(
          'Hãy lưu lại bộ khóa công khai (lienthong jwks -o): biên nhận cũ vẫn kiểm tra được bằng khóa cũ.',
          'Save the public keys again (lienthong jwks -o): former receipts still verify by the former key.',
        ),
      ]);
    });
  return keys;
}
