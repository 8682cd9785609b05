import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { CliContext } from '../terminal/cli-context';
import { happening } from '../terminal/labels';

export function receiptsCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('receipts')
    .description(say('Lấy bằng chứng (biên nhận có ký số) của gói tin', 'The evidence (signed receipts) of a packet'))
    .argument('<packetId>', say('mã gói tin', 'packet id'))
    .option(
      '-o, --output <file>',
      say('ghi ra tệp, để kiểm tra bằng lệnh verify', 'write to a file, for the command verify'),
    )
    .action(async (packetId: string, { output }: { output?: string }) => {
      const bundle = await (await cli.client()).packets.receipts(packetId);
      if (output) await writeFile(output, `${JSON.stringify(bundle, null, 2)}\n`);
      cli.out.result(bundle, () => [
        ...bundle.receipts.map(
          ({ at, event }) => `${cli.out.style('dim', cli.out.time(at))}  ${happening(event, cli.language)}`,
        ),
        ...(output
          ? [
              say(
                `Đã ghi ${output}. Kiểm tra: lienthong verify ${output}`,
                `Written to ${output}. Check it: lienthong verify ${output}`,
              ),
            ]
          : []),
      ]);
    });
}
