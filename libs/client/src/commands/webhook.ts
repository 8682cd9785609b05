import type { EventType, WebhookView } from '@lienthong/contracts';
import { Command } from 'commander';
import type { LienThongClient } from '../client';
import type { CliContext } from '../terminal/cli-context';

/** The system's own webhook. */
export function webhookCommand(cli: CliContext): Command {
  const { say, out } = cli;
  const webhook = new Command('webhook').description(
    say('Webhook: nền tảng gọi tới máy của hệ thống này', 'Webhook: the platform calls a machine of this system'),
  );
  const calls = async (): Promise<LienThongClient['webhook']> => (await cli.client({ session: false })).webhook;
  const list = (text: string): EventType[] => text.split(',').map((one) => one.trim() as EventType);

  webhook
    .command('set')
    .description(
      say('Đặt địa chỉ, hoặc đổi khóa bí mật của địa chỉ đang có', 'Set the address, or exchange its secret'),
    )
    .argument('<url>', say('địa chỉ https nhận sự kiện', 'https address that takes the events'))
    .option(
      '--events <types>',
      say('chỉ các loại sự kiện này, cách nhau bằng dấu phẩy', 'only these types, comma-separated'),
      list,
    )
    .action(async (url: string, { events }: { events?: EventType[] }) => {
      const set = await (await calls()).set({ url, ...(events && { events }) });
      out.result(set, () =>
        [
          say(`✓ Đã kiểm tra và đặt ${set.url}.`, `✓ Verified and set ${set.url}.`),
          say(
            `Khóa bí mật (chỉ hiện một lần, hãy cất vào máy nhận): ${set.secret}`,
            `Secret (shown this once; put it into the receiver): ${set.secret}`,
          ),
          ...(set.formerSecretUntil === null
            ? []
            : [
                say(
                  `Khóa cũ còn được ký kèm đến ${out.time(set.formerSecretUntil)}.`,
                  `The former secret signs too until ${out.time(set.formerSecretUntil)}.`,
                ),
              ]),
        ].join('\n'),
      );
    });
  webhook
    .command('show')
    .description(say('Xem trạng thái và lỗi gần nhất', 'Show its state and last error'))
    .action(async () => {
      const view = await (await calls()).show();
      out.result(view, () => linesOf(cli, view).join('\n'));
    });
  webhook
    .command('remove')
    .description(say('Thôi gọi webhook', 'Post no more events'))
    .action(async () => {
      await (await calls()).remove();
      out.result({ removed: true }, () => say('✓ Đã gỡ webhook.', '✓ The webhook was removed.'));
    });
  return webhook;
}

function linesOf({ say, out }: CliContext, view: WebhookView): string[] {
  const states = {
    verified: say('đang dùng', 'in use'),
    failing: say('đang lỗi, chỉ thử lại thưa', 'failing, tried once in a while'),
    off: say('đã tắt, hãy đặt lại', 'off, set it again'),
  };
  const failure = `${view.lastError ?? ''} ${out.time(view.lastErrorAt)}`.trim();
  return [
    `${view.url}: ${states[view.state]}`,
    say(`Sự kiện: ${view.events?.join(', ') ?? 'tất cả'}`, `Events: ${view.events?.join(', ') ?? 'all'}`),
    say(`Đã đến offset ${view.offset}`, `Has got to offset ${view.offset}`),
    ...(failure ? [say(`Lỗi gần nhất: ${failure}`, `Last error: ${failure}`)] : []),
    ...(view.nextAttemptAt
      ? [say(`Thử lại lúc ${out.time(view.nextAttemptAt)}`, `Tried again at ${out.time(view.nextAttemptAt)}`)]
      : []),
  ];
}
