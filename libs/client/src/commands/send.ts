import { stat } from 'node:fs/promises';
import { type Policy, type Priority, PRIORITIES, type Recipient, TRANSFER_PROTOCOLS } from '@lienthong/contracts';
import { Command, Option } from 'commander';
import type { SendFilesRequest, SentFiles } from '../sending/send-files';
import type { CliContext } from '../terminal/cli-context';
import { PACKET_STATE_LABELS, PRIORITY_LABELS, REFUSAL_LABELS } from '../terminal/labels';
import { ProgressBar } from '../terminal/progress-bars';
import { timeOf } from '../terminal/time-of';

interface Flags {
  to: string[];
  title: string;
  priority: Priority;
  type: string;
  protocol: SendFilesRequest['protocol'];
  deliverBy?: string;
  deliverAfter?: string;
  keepSeconds?: string;
  convertTo?: string;
  allowPartial?: boolean;
  inReplyTo?: string;
  stateFolder?: string;
  idempotencyKey?: string;
}

export function sendCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('send')
    .description(say('Gửi tệp tới các cơ quan, hệ thống', 'Send files to agencies or systems'))
    .argument('<files...>', say('các tệp cần gửi', 'files to send'))
    .requiredOption(
      '--to <address...>',
      say('mã cơ quan (H01.20) hoặc hệ thống (H01.20/qlvb)', 'agency code (H01.20) or system (H01.20/qlvb)'),
    )
    .requiredOption('--title <text>', say('trích yếu', 'title'))
    .addOption(new Option('--priority <level>', say('độ khẩn', 'importance')).choices(PRIORITIES).default('normal'))
    .option('--type <dataType>', say('loại dữ liệu', 'data type'), 'file')
    .addOption(
      new Option('--protocol <name>', say('cách chuyển nội dung', 'how content is transferred'))
        .choices(['auto', ...TRANSFER_PROTOCOLS])
        .default('auto'),
    )
    .option(
      '--deliver-by <time>',
      say('hạn giao: thời điểm, hoặc khoảng như 2d, 12h, 30m', 'deadline: a time, or a span such as 2d, 12h, 30m'),
    )
    .option('--deliver-after <time>', say('không giao trước: thời điểm hoặc khoảng', 'not before: a time or a span'))
    .option(
      '--keep-seconds <n>',
      say('giữ nội dung thêm sau khi mọi nơi xác nhận', 'keep content this long after the last confirmation'),
    )
    .option('--convert-to <dataType>', say('chuyển sang loại dữ liệu khác', 'convert to another data type'))
    .option(
      '--allow-partial',
      say('vẫn gửi nếu một số nơi nhận bị từ chối', 'send even if some recipients are refused'),
    )
    .option('--in-reply-to <packetId>', say('trả lời gói tin', 'in reply to a packet'))
    .option(
      '--state-folder <folder>',
      say('nơi ghi dấu để gửi tiếp khi bị ngắt', 'where the state of an interrupted upload is kept'),
    )
    .option('--idempotency-key <key>', say('khóa chống gửi trùng', 'the same key never sends twice'))
    .action(async (files: string[], flags: Flags) => {
      const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
      const { to, title, priority, type: dataType, protocol, inReplyTo } = flags;
      const policy = policyOf(flags, cli);
      const bar = new ProgressBar(
        cli,
        sizes.reduce((sum, size) => sum + size, 0),
      );
      const client = await cli.client();
      const sent = await client
        .sendFiles(
          { to, title, priority, dataType, protocol, files, inReplyTo, policy },
          {
            onProgress: bar.onProgress,
            stateFolder: flags.stateFolder,
            idempotencyKey: flags.idempotencyKey,
            signal: cli.signal,
          },
        )
        .finally(() => bar.stop());
      cli.out.result(sent, () => [
        `${cli.out.style('green', '✓')} ${sent.packetId}  ${PACKET_STATE_LABELS[sent.state][cli.language]}`,
        ...sent.recipients.map((recipient) => recipientLine(cli, recipient)),
        ...downgraded(cli, sent),
      ]);
    });
}

function downgraded({ say, language }: CliContext, { priority, askedPriority }: SentFiles): string[] {
  if (!askedPriority || !priority) return [];
  const [asked, got] = [askedPriority, priority].map((one) => PRIORITY_LABELS[one][language]);
  return [
    say(
      `  Đã hết hạn mức gói tin khẩn: gửi ở mức ${got}, không phải ${asked}.`,
      `  The quota of urgent packets is used up: sent as ${got}, not ${asked}.`,
    ),
  ];
}

function policyOf(flags: Flags, cli: CliContext): Policy | undefined {
  const policy: Policy = {
    ...(flags.deliverBy && { deliverBy: timeOf(flags.deliverBy, cli) }),
    ...(flags.deliverAfter && { deliverAfter: timeOf(flags.deliverAfter, cli) }),
    ...(flags.keepSeconds && { keepAfterConfirmSeconds: Number(flags.keepSeconds) }),
    ...(flags.convertTo && { convertTo: flags.convertTo }),
    ...(flags.allowPartial && { allowPartial: true }),
  };
  return Object.keys(policy).length > 0 ? policy : undefined;
}

function recipientLine({ out, language }: CliContext, { address, systemId, allowed, reason }: Recipient): string {
  if (allowed) return `  → ${address}${systemId && systemId !== address ? ` (${systemId})` : ''}`;
  return `  ${out.style('red', '✗')} ${address}: ${reason ? REFUSAL_LABELS[reason][language] : ''}`;
}
