import type { SendAnswer } from '@lienthong/contracts';
import { BearerToo, CallingSystem, Refusals, type SystemCaller } from '@lienthong/identity';
import { answer, NoFields, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, HttpCode, Param, ParseUUIDPipe, Post, Req, UseGuards } from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { idempotencyKeyOf } from '../idempotency-key';
import { AuditSealedGuard } from './audit-sealed.guard';
import { LowestClassGuard } from './lowest-class.guard';
import { RequestSpace } from './request-space';
import { SendDto } from './request-space.dto';

@ApiTags('sending')
@Step('request-space')
@Controller('v1/packets')
export class RequestSpaceController {
  constructor(
    private readonly requestSpace: RequestSpace,
    private readonly refusals: Refusals,
  ) {}

  @Post()
  @BearerToo()
  @UseGuards(LowestClassGuard, AuditSealedGuard)
  @HttpCode(201)
  @ApiOperation({ summary: 'S2: ask for a space; with protocol inline also S3 and the completion' })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same key gives the same packet again' })
  @ApiCreatedResponse(answer('SendAnswer', 'The packet, the answer per recipient, and the space'))
  @Problems(
    'recipients_refused',
    'idempotency_key_reused',
    'idempotency_in_progress',
    'limit_exceeded',
    'content_mismatch',
    'storage_full',
    'quota_exceeded',
  )
  async send(@CallingSystem() caller: SystemCaller, @Req() req: Request, @Body() body: SendDto): Promise<SendAnswer> {
    const sent = await this.requestSpace.send(body, {
      systemId: caller.systemId,
      idempotencyKey: idempotencyKeyOf(req),
      rawBody: req.rawBody as Buffer,
    });
    await this.refusals.ofRecipients(caller, req, sent.recipients);
    return sent;
  }

  @Post(':packetId/space')
  @BearerToo()
  @HttpCode(200)
  @ApiOperation({ summary: 'Renew the upload addresses of an open packet' })
  @ApiOkResponse(answer('SendAnswer', 'The space with fresh addresses'))
  @Problems('not_found', 'wrong_state')
  renew(
    @CallingSystem() caller: SystemCaller,
    @Param('packetId', ParseUUIDPipe) packetId: string,
    @Body(NoFields) _body: unknown,
  ): Promise<SendAnswer> {
    return this.requestSpace.renew(caller.systemId, packetId);
  }
}
