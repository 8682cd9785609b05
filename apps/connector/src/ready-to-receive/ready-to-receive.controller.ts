import type { ReadyAnswer } from '@lienthong/contracts';
import { BearerToo, CallingSystem, evidenceOf, type SystemCaller } from '@lienthong/identity';
import { answer, NoFields, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, HttpCode, Param, ParseUUIDPipe, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ReadyToReceive } from './ready-to-receive';

@ApiTags('receiving')
@Step('ready-to-receive')
@Controller('v1/deliveries/:deliveryId/ready')
export class ReadyToReceiveController {
  constructor(private readonly readyToReceive: ReadyToReceive) {}

  @Post()
  @BearerToo()
  @HttpCode(200)
  @ApiOperation({ summary: 'S6: ready to receive; repeating it renews the addresses' })
  @ApiOkResponse(answer('ReadyAnswer', 'The packet and the space to fetch from'))
  @Problems('not_found', 'wrong_state', 'content_lost')
  ready(
    @CallingSystem() caller: SystemCaller,
    @Param('deliveryId', ParseUUIDPipe) deliveryId: string,
    @Body(NoFields) _body: unknown,
  ): Promise<ReadyAnswer> {
    return this.readyToReceive.ready(caller.systemId, deliveryId, evidenceOf(caller));
  }
}
