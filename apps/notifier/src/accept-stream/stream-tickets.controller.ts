import type { StreamTicket } from '@lienthong/contracts';
import { CallingSystem, type SystemCaller } from '@lienthong/identity';
import { StreamTicketStore } from '@lienthong/persistence';
import { answer, NoFields, Step } from '@lienthong/runtime';
import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { NotifierOptions } from '../notifier.config';

@ApiTags('events')
@Step('accept-stream')
@Controller('v1/stream-tickets')
export class StreamTicketsController {
  constructor(
    private readonly tickets: StreamTicketStore,
    @Inject(NotifierOptions) private readonly options: NotifierOptions,
  ) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({
    summary: 'For browsers, which cannot sign an upgrade: an address for one stream, good for 30 s and once',
  })
  @ApiCreatedResponse(answer('StreamTicket', 'The address of the WebSocket'))
  async issue(@CallingSystem() caller: SystemCaller, @Body(NoFields) _body: unknown): Promise<StreamTicket> {
    const { ticket, expiresAt } = await this.tickets.issue({
      systemId: caller.systemId,
      accessKey: caller.accessKey,
      sessionId: caller.sessionId,
    });
    const origin = this.options.publicUrl.replace(/^http/, 'ws');
    return { url: `${origin}/v1/stream?ticket=${ticket}`, expiresAt: expiresAt.toISOString() };
  }
}
