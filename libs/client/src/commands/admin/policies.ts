import type { PolicyRulesView, SystemPolicyRules } from '@lienthong/contracts';
import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { UsageError } from '../../terminal/failure';
import { adminOf } from './admin';

interface Flags {
  deliverBy?: string;
  deliverByMax?: string;
  keep?: string;
  warnAt?: string[];
  allowPartial?: boolean;
  urgentQuota?: string;
}

/** What is set for a data type, or for a system: the one has a slash in its name. */
export function policyCommand(cli: CliContext): Command {
  const { say } = cli;
  const policy = new Command('policy').description(
    say('Chính sách liên thông theo loại dữ liệu hoặc hệ thống gửi', 'Policy of a data type or a sending system'),
  );
  const scope = say('loại dữ liệu (edxml.document) hoặc hệ thống (H01.14/qlvb)', 'data type or system id');
  policy
    .command('show')
    .description(say('Xem', 'Show'))
    .argument('<scope>', scope)
    .action(async (name: string) => {
      const { policies } = await adminOf(cli);
      print(cli, await (name.includes('/') ? policies.ofSystem(name) : policies.ofDataType(name)));
    });
  policy
    .command('set')
    .description(
      say('Đặt thay cho toàn bộ chính sách cũ; không có tùy chọn nào là bỏ', 'Set, in place of all that was set'),
    )
    .argument('<scope>', scope)
    .option('--deliver-by <seconds>', say('hạn giao, tính từ khi tải lên xong', 'deadline from the completion on'))
    .option('--deliver-by-max <seconds>', say('hạn giao xa nhất được phép', 'how far off a deadline may be'))
    .option('--keep <seconds>', say('giữ nội dung sau khi mọi nơi đã xác nhận', 'how long content is kept at the end'))
    .option('--warn-at <fraction...>', say('cảnh báo ở phần thời gian này (0.5 0.8)', 'when to warn (0.5 0.8)'))
    .option('--allow-partial', say('gửi tới nơi được phép dù có nơi bị từ chối', 'send to the allowed ones only'))
    .option(
      '--urgent-quota <count>',
      say('số gói tin khẩn trong một kỳ (hệ thống)', 'urgent packets a window (system)'),
    )
    .action(async (name: string, flags: Flags) => {
      const { policies } = await adminOf(cli);
      const rules = rulesOf(cli, flags);
      print(cli, await (name.includes('/') ? policies.setOfSystem(name, rules) : policies.setOfDataType(name, rules)));
    });
  return policy;
}

function rulesOf(cli: CliContext, flags: Flags): SystemPolicyRules {
  const number = (text: string): number => {
    if (!/^\d+(\.\d+)?$/.test(text)) throw new UsageError(cli.say(`Không phải số: ${text}`, `Not a number: ${text}`));
    return Number(text);
  };
  return {
    ...(flags.deliverBy && { deliverBySeconds: number(flags.deliverBy) }),
    ...(flags.deliverByMax && { deliverBySecondsMax: number(flags.deliverByMax) }),
    ...(flags.keep && { keepAfterConfirmSeconds: number(flags.keep) }),
    ...(flags.warnAt && { warnAt: flags.warnAt.map(number) }),
    ...(flags.allowPartial && { allowPartial: true }),
    ...(flags.urgentQuota && { urgentQuota: number(flags.urgentQuota) }),
  };
}

function print({ out, say }: CliContext, view: PolicyRulesView): void {
  const rules = Object.entries(view.rules);
  out.result(view, () => [
    out.style('bold', view.scope),
    ...(rules.length === 0 ? [say('  theo mặc định của nền tảng', '  as the platform has it')] : []),
    ...rules.map(([name, value]) => `  ${name}  ${JSON.stringify(value)}`),
  ]);
}
