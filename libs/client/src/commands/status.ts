import type { PacketView } from '@lienthong/contracts';
import { Command } from 'commander';
import type { CliContext } from '../terminal/cli-context';
import { UsageError } from '../terminal/failure';
import { DELIVERY_STATE_LABELS, PACKET_STATE_LABELS, PRIORITY_LABELS } from '../terminal/labels';

export function statusCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('status')
    .description(say('Xem gói tin đang ở đâu, đã qua những bước nào', 'Where a packet is, and what happened to it'))
    .argument('[packetId]', say('mã gói tin', 'packet id'))
    .option('--stuck', say('những gói tin cần được giúp, vì sao', 'what needs a hand, and why'))
    .action(async (packetId: string | undefined, { stuck }: { stuck?: boolean }) => {
      if (stuck) return showStuck(cli);
      if (!packetId) throw new UsageError(say('Cần mã gói tin, hoặc --stuck.', 'Needs a packet id, or --stuck.'));
      const packet = await (await cli.client()).packets.get(packetId);
      cli.out.result(packet, () => describe(cli, packet));
    });
}

function describe({ out, say, language }: CliContext, packet: PacketView): string[] {
  const label = PACKET_STATE_LABELS[packet.state][language];
  return [
    `${out.style('bold', packet.title)}  ${label}`,
    `${packet.packetId} · ${PRIORITY_LABELS[packet.priority][language]} · ${packet.dataType} · ${say('từ', 'from')} ${packet.from}`,
    ...packet.parts.map(({ name, size }) => `  ${name}  ${out.bytes(size)}`),
    '',
    ...packet.recipients.flatMap((delivery) => [
      `→ ${delivery.address}  ${DELIVERY_STATE_LABELS[delivery.state][language]}${delivery.reason ? `: ${delivery.reason}` : ''}`,
      ...(delivery.canDo.includes('resend')
        ? [
            out.style(
              'dim',
              say(
                '    Có thể gửi lại (lienthong resend) hoặc gửi tới địa chỉ khác.',
                '    Send it again (lienthong resend), or to another address.',
              ),
            ),
          ]
        : []),
      ...delivery.statuses.map(({ at, code, description }) =>
        `    ${out.time(at)}  ${code} ${description ?? ''}`.trimEnd(),
      ),
    ]),
    '',
    ...packet.timeline.map(({ sentence }) => sentence[language]),
    ...(packet.purgedAt
      ? []
      : [
          '',
          out.style('dim', say('Nội dung chưa xóa khỏi nền tảng.', 'Content is not deleted from the platform yet.')),
        ]),
  ];
}

async function showStuck(cli: CliContext): Promise<void> {
  const { out, say, language } = cli;
  const packets = await (await cli.client()).packets.stuck();
  if (out.json) for (const packet of packets) out.result(packet, () => []);
  else if (packets.length === 0) out.note(say('Không có gói tin nào cần giúp.', 'Nothing needs a hand.'));
  else
    for (const { packetId, title, sentence } of packets)
      for (const line of [`${out.style('bold', title)}  ${packetId}`, `  ${sentence[language]}`]) out.line(line);
}
