import {
  PACKET_STATES,
  type PacketState,
  type PacketSummary,
  type PacketView,
  type Page,
  type ReceiptBundle,
  type StuckPacket,
} from '@lienthong/contracts';
import { BearerToo, CallingSystem, type SystemCaller } from '@lienthong/identity';
import { AuditStore, PacketListStore, ReceiptStore } from '@lienthong/persistence';
import { answer, pageAnswer, Problems, Step } from '@lienthong/runtime';
import { Controller, Get, Param, ParseUUIDPipe, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { cursorOf, positionOf, UUID } from '../cursor';
import { invalid } from '../policy';
import { ReadPacket } from './read-packet';
import { ListPacketsDto, ListStuckDto } from './read-packet.dto';

@ApiTags('packets')
@Step('read-packet')
@Controller('v1/packets')
export class ReadPacketController {
  constructor(
    private readonly readPacket: ReadPacket,
    private readonly packetList: PacketListStore,
    private readonly receiptStore: ReceiptStore,
    private readonly audit: AuditStore,
  ) {}

  @Get()
  @BearerToo('list')
  @ApiOperation({ summary: 'The system’s own packets, newest first' })
  @ApiOkResponse(pageAnswer('PacketSummary', 'A page of packets'))
  async list(@CallingSystem() caller: SystemCaller, @Query() query: ListPacketsDto): Promise<Page<PacketSummary>> {
    const items = await this.packetList.list(caller.systemId, {
      states: statesOf(query.state),
      to: query.to,
      since: query.since ? new Date(query.since) : undefined,
      until: query.until ? new Date(query.until) : undefined,
      q: query.q,
      dataTypes: caller.dataTypes,
      before: positionOf(query.cursor, UUID),
      limit: query.limit,
    });
    const full = items.length === query.limit;
    return { items, nextCursor: full ? cursorOf(items[items.length - 1].packetId) : null };
  }

  @Get('stuck')
  @ApiOperation({
    summary: 'What of the system’s own packets needs a hand, why, and what can be done; what ends first is first',
  })
  @ApiOkResponse(pageAnswer('StuckPacket', 'The first of them; there is no second page'))
  async stuck(@CallingSystem() caller: SystemCaller, @Query() { limit }: ListStuckDto): Promise<Page<StuckPacket>> {
    return { items: await this.readPacket.stuck(caller.systemId, limit), nextCursor: null };
  }

  @Get(':packetId')
  @BearerToo()
  @ApiOperation({ summary: 'State, recipients, parts, policy and timeline of a packet; no content' })
  @ApiOkResponse(answer('PacketView', 'The packet'))
  @Problems('not_found')
  async read(
    @CallingSystem() caller: SystemCaller,
    @Param('packetId', ParseUUIDPipe) packetId: string,
  ): Promise<PacketView> {
    const packet = await this.readPacket.read(caller.systemId, packetId);
    await this.audit.record([{ action: 'packet.read', packetId }]);
    return packet;
  }

  @Get(':packetId/receipts')
  @BearerToo()
  @ApiOperation({ summary: 'The evidence: every receipt of the packet, chained (protocol 8)' })
  @ApiOkResponse(answer('ReceiptBundle', 'Compact JWS, in order'))
  @Problems('not_found')
  async receipts(
    @CallingSystem() caller: SystemCaller,
    @Param('packetId', ParseUUIDPipe) packetId: string,
  ): Promise<ReceiptBundle> {
    await this.readPacket.asParty(caller.systemId, packetId);
    await this.audit.record([{ action: 'receipts.read', packetId }]);
    return this.receiptStore.bundle(packetId);
  }
}

function statesOf(text: string | undefined): PacketState[] | undefined {
  if (text === undefined) return undefined;
  const states = text.split(',') as PacketState[];
  if (!states.every((state) => PACKET_STATES.includes(state)))
    throw invalid(
      '?state',
      'is_in',
      `Phải gồm các trạng thái sau, cách nhau bằng dấu phẩy: ${PACKET_STATES.join(', ')}.`,
      `Must be some of these states, separated by commas: ${PACKET_STATES.join(', ')}.`,
    );
  return states;
}
