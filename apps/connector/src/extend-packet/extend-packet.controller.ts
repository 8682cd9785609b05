import type { ExtendAnswer } from '@lienthong/contracts';
import { CallingSystem, type SystemCaller } from '@lienthong/identity';
import { answer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, HttpCode, Param, ParseUUIDPipe, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ExtendPacket } from './extend-packet';
import { ExtendDto } from './extend-packet.dto';

@ApiTags('sending')
@Step('extend-packet')
@Controller('v1/packets/:packetId/extend')
export class ExtendPacketController {
  constructor(private readonly extendPacket: ExtendPacket) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Give the destinations more time, as long as a delivery waits' })
  @ApiOkResponse(answer('ExtendAnswer', 'The deadline in force, and whom it concerns'))
  @Problems('not_found', 'wrong_state')
  extend(
    @CallingSystem() caller: SystemCaller,
    @Param('packetId', ParseUUIDPipe) packetId: string,
    @Body() { deliverBy }: ExtendDto,
  ): Promise<ExtendAnswer> {
    return this.extendPacket.extend(caller.systemId, packetId, new Date(deliverBy));
  }
}
