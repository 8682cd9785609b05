import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { AuditItem } from '@lienthong/contracts';
import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { adminOf, printList } from './admin';

interface Filter {
  since?: string;
  until?: string;
  actor?: string;
  action?: string;
  packet?: string;
  limit: string;
}

export function auditCommand(cli: CliContext): Command {
  const { say } = cli;
  const audit = new Command('audit')
    .description(say('Nhật ký kiểm toán: ai đã làm gì, mới nhất trước', 'The audit log: who did what, newest first'))
    .option('--since <time>', say('từ thời điểm này (mặc định 31 ngày)', 'from this time on (31 days by default)'))
    .option('--until <time>', say('trước thời điểm này', 'before this time'))
    .option('--actor <actor>', say('khóa truy cập, phiên, hoặc platform:…', 'access key, session id, or platform:…'))
    .option('--action <action>', say('hành động, ví dụ key.issued', 'action, such as key.issued'))
    .option('--packet <packetId>', say('của một gói tin', 'of one packet'))
    .option('-n, --limit <count>', say('số mục', 'how many'), '50')
    .action(async ({ packet: packetId, limit, ...filter }: Filter) => {
      const items = (await adminOf(cli)).audit.list({
        ...filter,
        ...(packetId ? { packetId } : {}),
        limit: Math.min(500, Number(limit)),
      });
      await printList(
        cli,
        first(items, Number(limit)),
        ['#', say('Lúc', 'At'), say('Ai', 'Who'), say('Hành động', 'Action'), say('Đối tượng', 'What')],
        ({ seq, at, systemId, actor, action, packetId: of, subject }) => [
          seq,
          cli.out.time(at),
          systemId ?? actor,
          action,
          of ?? subject,
        ],
      );
    });
  audit
    .command('export')
    .description(
      say(
        'Xuất một đoạn nhật ký đã niêm phong, để kiểm tra bằng lệnh verify',
        'Export a range of the sealed log, for the command verify',
      ),
    )
    .requiredOption('-o, --output <file>', say('ghi ra tệp', 'write to this file'))
    .option('--from <number>', say('số của mục đầu tiên', 'number of the first entry'), '0')
    .option(
      '--to <number>',
      say(
        'số sau mục cuối; mặc định đến điểm kiểm tra mới nhất',
        'number after the last; the newest checkpoint by default',
      ),
    )
    .action(async ({ output, from, to }: { output: string; from: string; to?: string }) => {
      const lines = (await adminOf(cli)).audit.bundle({ from: Number(from), ...(to ? { to: Number(to) } : {}) });
      let count = 0;
      const texts = async function* () {
        for await (const line of lines) {
          count++;
          yield `${JSON.stringify(line)}\n`;
        }
      };
      await pipeline(Readable.from(texts()), createWriteStream(output, { mode: 0o600 }));
      cli.out.result({ file: output, lines: count }, () => [
        say(
          `Đã ghi ${output} (${count} dòng). Kiểm tra: lienthong verify ${output} --jwks <tệp>`,
          `Written to ${output} (${count} lines). Check it: lienthong verify ${output} --jwks <file>`,
        ),
      ]);
    });
  return audit;
}

async function* first(items: AsyncIterable<AuditItem>, count: number): AsyncGenerator<AuditItem> {
  if (count <= 0) return;
  let given = 0;
  for await (const item of items) {
    yield item;
    if (++given === count) return;
  }
}
