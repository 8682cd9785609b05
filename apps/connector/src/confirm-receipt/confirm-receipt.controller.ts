import {
  type ConfirmAnswer,
  type ConfirmationResult,
  type ConfirmationsAnswer,
  LienThongError,
  problemOf,
  statusOf,
  wireCode,
} from '@lienthong/contracts';
import { BearerToo, CallingSystem, evidenceOf, Refusals, type SystemCaller } from '@lienthong/identity';
import { answer, languageOf, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, HttpCode, Param, ParseUUIDPipe, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { ConfirmReceipt } from './confirm-receipt';
import { ConfirmationsDto, ConfirmDto } from './confirm-receipt.dto';

@ApiTags('receiving')
@Step('confirm-receipt')
@Controller('v1/deliveries')
export class ConfirmReceiptController {
  constructor(
    private readonly confirmReceipt: ConfirmReceipt,
    private readonly refusals: Refusals,
  ) {}

  @Post('confirmations')
  @HttpCode(200)
  @ApiOperation({ summary: 'S7 for up to 100 deliveries at once, each with its own result' })
  @ApiOkResponse(answer('ConfirmationsAnswer', 'Results in the order of the request'))
  async confirmMany(
    @CallingSystem() caller: SystemCaller,
    @Req() req: Request,
    @Body() { confirmations }: ConfirmationsDto,
  ): Promise<ConfirmationsAnswer> {
    const systemId = caller.systemId;
    const evidence = evidenceOf(caller, { alone: false });
    const results: ConfirmationResult[] = [];
    for (const { deliveryId, ...request } of confirmations) {
      try {
        const answer = await this.confirmReceipt.confirm(systemId, deliveryId, request, evidence);
        results.push({ deliveryId, status: 200, answer });
      } catch (error) {
        if (!(error instanceof LienThongError)) throw error;
        const { detail } = problemOf(error, languageOf(req));
        results.push({ deliveryId, status: statusOf(error), error: { code: wireCode(error), detail } });
      }
    }
    const count = results.filter(({ status }) => status === 404).length;
    if (count > 0) await this.refusals.ofCaller(caller, req, 'not_found', { count });
    return { results };
  }

  @Post(':deliveryId/confirm')
  @BearerToo()
  @HttpCode(200)
  @ApiOperation({ summary: 'S7: accepted, or rejected with a reason; repeating it gives the same receipt' })
  @ApiOkResponse(answer('ConfirmAnswer', 'The state and the platform’s receipt'))
  @Problems('not_found', 'not_ready', 'wrong_state', 'confirmation_mismatch')
  confirm(
    @CallingSystem() caller: SystemCaller,
    @Param('deliveryId', ParseUUIDPipe) deliveryId: string,
    @Body() body: ConfirmDto,
  ): Promise<ConfirmAnswer> {
    return this.confirmReceipt.confirm(caller.systemId, deliveryId, body, evidenceOf(caller));
  }
}
