import type { RecallAnswer } from '@lienthong/contracts';
import { BearerToo, CallingSystem, type SystemCaller } from '@lienthong/identity';
import { answer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, HttpCode, Param, ParseUUIDPipe, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RecallPacket } from './recall-packet';
import { RecallDto } from './recall-packet.dto';

@ApiTags('sending')
@Step('recall-packet')
@Controller('v1/packets/:packetId/recall')
export class RecallPacketController {
  constructor(private readonly recallPacket: RecallPacket) {}

  @Post()
  @BearerToo()
  @HttpCode(200)
  @ApiOperation({ summary: 'Take back every delivery that is not accepted yet' })
  @ApiOkResponse(answer('RecallAnswer', 'Which deliveries were recalled, and which had accepted and were asked'))
  @Problems('not_found', 'wrong_state')
  recall(
    @CallingSystem() caller: SystemCaller,
    @Param('packetId', ParseUUIDPipe) packetId: string,
    @Body() { reason }: RecallDto,
  ): Promise<RecallAnswer> {
    return this.recallPacket.recall(caller.systemId, packetId, reason);
  }
}
