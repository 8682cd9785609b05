import type { DestinationDepth, QueueDepth, QueuesAnswer } from '@lienthong/contracts';
import { ApiProperty } from '@nestjs/swagger';

class QueueLine implements QueueDepth {
  @ApiProperty({
    example: 'lienthong.analyse-packet.urgent',
    description: 'Work queue of the broker, or outbox.<kind>.<priority>',
  })
  queue!: string;
  @ApiProperty({ description: 'Tasks that nobody has taken yet' }) ready!: number;
  @ApiProperty({ type: Number, nullable: true, description: 'Age of the oldest of them, where the broker tells' })
  oldestSeconds!: number | null;
  @ApiProperty({
    description:
      'Packets that this kind of task at this priority was done for in the last 60 s, counted by their events; 0 for dead letters and the outbox',
  })
  perMinute!: number;
}

class DestinationLine implements DestinationDepth {
  @ApiProperty({ example: 'H01.20/qlvb' }) systemId!: string;
  @ApiProperty({ description: 'Deliveries that are due and not final' }) waiting!: number;
  @ApiProperty({ description: 'How long the oldest has waited; 0 when none waits' }) oldestSeconds!: number;
  @ApiProperty({ description: 'Deliveries that it accepted in the last 60 s' }) acceptedPerMinute!: number;
  @ApiProperty() online!: boolean;
}

export class QueuesWatched implements QueuesAnswer {
  @ApiProperty({ type: [QueueLine] }) queues!: QueueLine[];
  @ApiProperty({ type: [DestinationLine], maxItems: 500, description: 'The 500 with the oldest delivery at most' })
  destinations!: DestinationLine[];
}
