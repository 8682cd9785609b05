import { Command } from 'commander';
import type { LienThongClient } from '../client';
import type { ReceivedPacket } from '../receiving/receive';
import type { CliContext } from '../terminal/cli-context';
import { failureOf } from '../terminal/failure';
import { DELIVERY_STATE_LABELS } from '../terminal/labels';
import { ProgressBar } from '../terminal/progress-bars';
import { tell } from './listen';

interface Flags {
  watch?: boolean;
  confirm: boolean;
  folderPerPacket?: boolean;
}

/** While watching, also without an event: what failed is tried again, and a lost event costs no more than this. */
const LOOK_EVERY_MS = 60_000;

export function receiveCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('receive')
    .description(
      say('Tải về, kiểm tra và xác nhận mọi gói tin đang chờ', 'Fetch, verify and confirm everything that waits'),
    )
    .argument('<folder>', say('thư mục lưu', 'where to put it'))
    .option('--watch', say('chạy tiếp, nhận ngay khi có gói tin mới', 'stay and receive as packets come'))
    .option('--no-confirm', say('chỉ tải về, chưa xác nhận', 'fetch only, confirm nothing yet'))
    .option('--folder-per-packet', say('mỗi gói tin một thư mục con', 'a folder of its own for each packet'))
    .action(async (folder: string, flags: Flags) => {
      const client = await cli.client();
      const sweep = () => receiveOnce(cli, client, folder, flags);
      if (flags.watch) await watch(cli, client, sweep);
      else if ((await sweep()).failed > 0) cli.exitCode = 1;
    });
}

async function receiveOnce(
  cli: CliContext,
  client: LienThongClient,
  folder: string,
  { confirm, folderPerPacket, watch }: Flags,
): Promise<{ failed: number }> {
  const { out, say } = cli;
  const bar = new ProgressBar(cli);
  const { received, failed } = await client
    .receiveAll(folder, {
      folderPerPacket,
      signal: cli.signal,
      confirm: confirm ? undefined : false,
      onProgress: bar.onProgress,
      onReceived: (packet) => {
        bar.stop();
        out.result(packet, () => packetLines(cli, packet));
      },
      onFailed: ({ packetId, title }, error) => {
        bar.stop();
        const { detail, code } = failureOf(error, cli.language).problem;
        out.note(`${out.style('red', '✗')} ${packetId}  ${title}: ${detail} [${code}]`);
      },
    })
    .finally(() => bar.stop());
  if (received.length === 0 && failed.length === 0 && !watch)
    out.note(say('Không có gói tin nào đang chờ.', 'Nothing waits.'));
  return { failed: failed.length };
}

/** Events only say that it is time to look: the list is what is received, so a lost event loses no packet. */
async function watch(cli: CliContext, client: LienThongClient, sweep: () => Promise<unknown>): Promise<void> {
  const { signal } = cli;
  let due = true;
  let running: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;
  const stream = client.stream({
    signal,
    onNotice: (notice) => {
      tell(cli, notice);
      if (notice.type !== 'disconnected') look();
    },
  });
  const look = (): void => {
    due = true;
    running ??= (async () => {
      while (due && !signal.aborted) {
        due = false;
        await sweep();
      }
    })()
      .catch((error: unknown) => {
        if (signal.aborted) return;
        cli.out.note(failureOf(error, cli.language).problem.detail);
      })
      .finally(() => (running = undefined));
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  try {
    await stream.each(({ type }) => {
      if (type === 'packet.available') look();
    });
  } catch (error) {
    failure = { error };
  } finally {
    clearInterval(timer);
    await running;
  }
  if (failure) throw failure.error;
}

function packetLines({ out, language }: CliContext, { packet, files, state }: ReceivedPacket): string[] {
  return [
    `${out.style('green', '✓')} ${packet.packetId}  ${packet.from}  ${packet.title}  (${DELIVERY_STATE_LABELS[state][language]})`,
    ...files.map(({ path, size }) => `  ${path}  ${out.bytes(size)}`),
  ];
}
