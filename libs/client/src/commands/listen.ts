import { spawn } from 'node:child_process';
import type { StreamEvent, WaitingDelivery } from '@lienthong/contracts';
import { Command } from 'commander';
import type { StreamNotice } from '../stream/event-stream';
import type { CliContext } from '../terminal/cli-context';
import { failureOf } from '../terminal/failure';
import { happening, PRIORITY_LABELS } from '../terminal/labels';

interface Flags {
  exec?: string;
  from?: string;
  poll?: boolean;
}

export function listenCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('listen')
    .description(say('Nghe sự kiện theo thời gian thực', 'Listen to events as they happen'))
    .option(
      '--exec <command>',
      say(
        'chạy lệnh cho mỗi gói tin (biến LIENTHONG_PACKET_ID …; sự kiện ở stdin)',
        'run a command per packet (LIENTHONG_PACKET_ID …; the event on stdin)',
      ),
    )
    .option('--from <offset>', say('nghe lại từ sau vị trí này', 'again from after this offset'))
    .option('--poll', say('hỏi định kỳ thay cho WebSocket', 'long polling instead of WebSocket'))
    .action(async ({ exec, from, poll }: Flags) => {
      const client = await cli.client();
      const { signal } = cli;
      const events = poll
        ? client.events.follow({ after: from, signal })
        : client.stream({ from, signal, onNotice: (notice) => tell(cli, notice) });
      for await (const event of events) {
        cli.out.result(event, () => eventLine(cli, event));
        if (exec && event.type === 'packet.available') await runFor(event, exec, cli);
      }
    });
}

/** Remarks on the connection, for whoever watches. */
export function tell({ out, say, language }: CliContext, notice: StreamNotice): void {
  if (notice.type === 'connected')
    out.note(
      out.style(
        'dim',
        say(`Đã kết nối, từ vị trí ${notice.resumedFrom}.`, `Connected, from offset ${notice.resumedFrom}.`),
      ),
    );
  else if (notice.type === 'gap')
    out.note(
      say(
        `Sự kiện trước vị trí ${notice.from} không còn lưu; xem lại danh sách.`,
        `Events before ${notice.from} are no longer kept; look at the lists.`,
      ),
    );
  else {
    const seconds = (notice.retryInMs / 1000).toFixed(1);
    const why = notice.error === undefined ? '' : ` ${failureOf(notice.error, language).problem.detail}`;
    out.note(
      say(
        `Mất kết nối (${notice.code}), nối lại sau ${seconds} giây.${why}`,
        `Connection lost (${notice.code}), again in ${seconds} s.${why}`,
      ),
    );
  }
}

function eventLine({ out, language }: CliContext, event: StreamEvent): string {
  const { title, from, priority } = event.data as Partial<WaitingDelivery>;
  const more =
    event.type === 'packet.available' && priority ? `${PRIORITY_LABELS[priority][language]} · ${from} · ${title}` : '';
  const name = out.style('cyan', happening(event.type, language));
  return [out.time(event.time), name, event.subject ?? '', more].filter(Boolean).join('  ');
}

/**
 * What the source wrote reaches the command by its environment and stdin, never as part of the command line. A command that fails ends the
 * program: the event is not acknowledged and comes again next time.
 */
async function runFor(event: StreamEvent, command: string, { say, surroundings, signal }: CliContext): Promise<void> {
  const { deliveryId, packetId, from, title, priority, dataType } = event.data as unknown as WaitingDelivery;
  const env = {
    ...surroundings.env,
    LIENTHONG_EVENT: event.type,
    LIENTHONG_OFFSET: event.offset,
    LIENTHONG_PACKET_ID: packetId,
    LIENTHONG_DELIVERY_ID: deliveryId,
    LIENTHONG_FROM: from,
    LIENTHONG_TITLE: title,
    LIENTHONG_PRIORITY: priority,
    LIENTHONG_DATA_TYPE: dataType,
  };
  const child = spawn(command, { shell: true, env, signal, stdio: ['pipe', 'inherit', 'inherit'] });
  // A command that does not read its input closes it early.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(event));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) {
    throw new Error(
      say(
        `Lệnh cho gói tin ${packetId} kết thúc với mã ${code}; sự kiện sẽ được giao lại.`,
        `The command for packet ${packetId} ended with ${code}; the event will come again.`,
      ),
    );
  }
}
