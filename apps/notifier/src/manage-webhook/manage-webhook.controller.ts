import type { SetWebhook, WebhookView } from '@lienthong/contracts';
import { CallingSystem, type SystemCaller } from '@lienthong/identity';
import { answer, Problems, RareCalls, Step } from '@lienthong/runtime';
import { Body, Controller, Delete, Get, HttpCode, Put, UseGuards } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ManageWebhook } from './manage-webhook';
import { NewWebhookDto } from './manage-webhook.dto';

/** The third way to read the stream (protocol 7). */
@ApiTags('events')
@Step('manage-webhook')
@Controller('v1/webhook')
export class ManageWebhookController {
  constructor(private readonly manageWebhook: ManageWebhook) {}

  @Put()
  @UseGuards(RareCalls)
  @ApiOperation({
    summary: 'Have events posted to an address',
    description:
      'One webhook per system. A signed test event (`webhook.verification`) is posted first and must be answered 2xx within 10 s. The same address again: another secret, ' +
      'the former one signs too for 24 h. Messages follow the Standard Webhooks specification; the body is the CloudEvent. 2xx acknowledges it.',
  })
  @ApiOkResponse(answer('SetWebhook', 'The webhook with its secret, which is shown this once'))
  @Problems('webhook_address_refused', 'webhook_unverified')
  set(@CallingSystem() caller: SystemCaller, @Body() body: NewWebhookDto): Promise<SetWebhook> {
    return this.manageWebhook.set(caller.systemId, body);
  }

  @Get()
  @ApiOperation({ summary: 'The webhook of the calling system, its state and its last error; without the secret' })
  @ApiOkResponse(answer('WebhookView', 'The webhook'))
  @Problems('not_found')
  show(@CallingSystem() caller: SystemCaller): Promise<WebhookView> {
    return this.manageWebhook.show(caller.systemId);
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: 'Post no more events' })
  @ApiNoContentResponse()
  @Problems('not_found')
  remove(@CallingSystem() caller: SystemCaller): Promise<void> {
    return this.manageWebhook.remove(caller.systemId);
  }
}
