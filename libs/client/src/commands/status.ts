import type { PacketView } from '@lienthong/contracts';
import { Command } from 'commander';
import type { CliContext } from '../terminal/cli-context';
import { DELIVERY_STATE_LABELS, happening, PACKET_STATE_LABELS, PRIORITY_LABELS } from '../terminal/labels';

export function statusCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('status')
    .description(say('Xem gói tin đang ở đâu, đã qua những bước nào', 'Where a packet is, and what happened to it'))
    .argument('<packetId>', say('mã gói tin', 'packet id'))
    .action(async (packetId: string) => {
      const packet = await (await cli.client()).packets.get(packetId);
      cli.out.result(packet, () => describe(cli, packet));
    });
}

function describe({ out, say, language }: CliContext, packet: PacketView): string[] {
  const label = PACKET_STATE_LABELS[packet.state][language];
  const names = new Map(packet.recipients.map(({ deliveryId, address }) => [deliveryId, address]));
  return [
    `${out.style('bold', packet.title)}  ${label}`,
    `${packet.packetId} · ${PRIORITY_LABELS[packet.priority][language]} · ${packet.dataType} · ${say('từ', 'from')} ${packet.from}`,
    ...packet.parts.map(({ name, size }) => `  ${name}  ${out.bytes(size)}`),
    '',
    ...packet.recipients.flatMap((delivery) => [
      `→ ${delivery.address}  ${DELIVERY_STATE_LABELS[delivery.state][language]}${delivery.reason ? `: ${delivery.reason}` : ''}`,
      ...delivery.statuses.map(({ at, code, description }) =>
        `    ${out.time(at)}  ${code} ${description ?? ''}`.trimEnd(),
      ),
    ]),
    '',
    ...packet.timeline.map(({ at, event, delivery }) =>
      [
        `${out.style('dim', out.time(at))}  ${happening(event, language)}`,
        delivery ? (names.get(delivery) ?? delivery) : '',
      ]
        .filter(Boolean)
        .join('  '),
    ),
    ...(packet.purgedAt
      ? []
      : [
          '',
          out.style('dim', say('Nội dung chưa xóa khỏi nền tảng.', 'Content is not deleted from the platform yet.')),
        ]),
  ];
}
