import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { CliContext } from '../terminal/cli-context';

export function jwksCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('jwks')
    .description(
      say(
        'Lấy khóa công khai của nền tảng, để kiểm tra biên nhận không cần mạng',
        'The platform’s public keys, to check receipts offline',
      ),
    )
    .option('-o, --output <file>', say('ghi ra tệp', 'write to a file'))
    .action(async ({ output }: { output?: string }) => {
      const jwks = await (await cli.client({ key: 'optional', adminKey: true })).jwks();
      if (output) await writeFile(output, `${JSON.stringify(jwks, null, 2)}\n`);
      cli.out.result(jwks, () =>
        output ? say(`Đã ghi ${output}.`, `Written to ${output}.`) : JSON.stringify(jwks, null, 2),
      );
    });
}
