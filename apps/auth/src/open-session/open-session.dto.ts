import { PACKET_STATES, type PacketState, type SessionAnswer, type WaitingDelivery } from '@lienthong/contracts';
import { ApiProperty } from '@nestjs/swagger';

class SessionSystem {
  @ApiProperty({ example: 'H01.14/qlvb' }) id!: string;
  @ApiProperty() name!: string;
  @ApiProperty() agencyCode!: string;
  @ApiProperty() agencyName!: string;
}

class Incoming {
  @ApiProperty({ description: 'Deliveries that wait for this system and are not final' }) pending!: number;
  @ApiProperty({ type: [Object], maxItems: 50, description: 'The first of them, as in GET /v1/deliveries' })
  items!: WaitingDelivery[];
}

export class SessionOpened implements SessionAnswer {
  @ApiProperty({ format: 'uuid', description: 'The keyid of requests from here on' }) sessionId!: string;
  @ApiProperty({ description: 'Their HMAC secret (hmac-sha256): the UTF-8 bytes of this text' }) sessionKey!: string;
  @ApiProperty({ format: 'date-time' }) expiresAt!: string;
  @ApiProperty({ format: 'date-time' }) serverTime!: string;
  @ApiProperty({ type: SessionSystem, description: 'For an administrator: id administrator, the rest empty' })
  system!: SessionSystem;
  @ApiProperty({
    type: 'object',
    description: 'Packets that this system sent, by state',
    properties: Object.fromEntries(PACKET_STATES.map((state) => [state, { type: 'integer' as const }])),
    additionalProperties: false,
  })
  outgoing!: Record<PacketState, number>;
  @ApiProperty({ type: Incoming }) incoming!: Incoming;
}
