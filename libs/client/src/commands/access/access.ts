import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { UsageError } from '../../terminal/failure';

interface Flags {
  call?: string;
  method: string;
  body?: string;
}

export function accessCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('access')
    .description(
      say(
        'Xin quyền gọi dịch vụ riêng của hệ thống đích; với --call, ký luôn một yêu cầu',
        'Ask for the right to call a destination’s own service; with --call, sign one request too',
      ),
    )
    .argument('<destination>', say('mã hệ thống đích, ví dụ H01.20/motcua', 'system id, such as H01.20/motcua'))
    .option('--call <url>', say('địa chỉ sẽ gọi', 'the address to be called'))
    .option('--method <method>', say('phương thức', 'its method'), 'GET')
    .option('--body <text>', say('nội dung thân', 'its body'))
    .action(async (destination: string, { call: url, method, body }: Flags) => {
      if (url !== undefined && !URL.canParse(url))
        throw new UsageError(say(`--call ${url} không phải địa chỉ đầy đủ.`, `--call ${url} is not a whole address.`));
      const access = (await cli.client()).access.to(destination);
      const grant = await access.grant();
      if (url === undefined) return cli.out.result(grant, () => [grant.accessToken, grant.expiresAt]);
      const headers = await access.headers({ method: method.toUpperCase(), url, body });
      const lines = Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`);
      const data = body === undefined ? [] : [`--data-binary '${body.replaceAll("'", `'\\''`)}'`];
      const curl = [`curl --path-as-is -X ${method.toUpperCase()} '${url}'`, ...lines, ...data].join(' \\\n  ');
      cli.out.result({ ...grant, headers, curl }, () => curl);
    });
}
