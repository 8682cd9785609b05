import type { ResendAnswer } from '@lienthong/contracts';
import { CallingSystem, type SystemCaller } from '@lienthong/identity';
import { answer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, HttpCode, Param, ParseUUIDPipe, Post, Req } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { idempotencyKeyOf } from '../idempotency-key';
import { ResendPacket } from './resend-packet';
import { ResendDto } from './resend-packet.dto';

@ApiTags('sending')
@Step('resend-packet')
@Controller('v1/packets/:packetId/resend')
export class ResendPacketController {
  constructor(private readonly resendPacket: ResendPacket) {}

  @Post()
  @HttpCode(200)
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same key begins one round, however often it is said',
  })
  @ApiBody({ type: ResendDto, required: false })
  @ApiOperation({
    summary: 'Send it again to whom it was not delivered: with the content still kept, or uploaded anew',
  })
  @ApiOkResponse(answer('ResendAnswer', 'The new round; with a space where the same content must be uploaded again'))
  @Problems('not_found', 'wrong_state', 'recipients_refused')
  resend(
    @CallingSystem() caller: SystemCaller,
    @Param('packetId', ParseUUIDPipe) packetId: string,
    @Req() req: Request,
    @Body() body: ResendDto,
  ): Promise<ResendAnswer> {
    return this.resendPacket.resend(caller.systemId, packetId, { ...body, idempotencyKey: idempotencyKeyOf(req) });
  }
}
