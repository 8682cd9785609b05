import { LienThongError } from '@lienthong/contracts';
import { Public } from '@lienthong/identity';
import { Step } from '@lienthong/runtime';
import { Controller, Get, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';

/** `GET /v1/stream` by a client that asks for no upgrade (RFC 9110 15.5.22); the document has the route as a WebSocket. */
@ApiExcludeController()
@Public()
@Step('accept-stream')
@Controller('v1/stream')
export class PlainStreamController {
  /** @throws LienThongError upgrade_required */
  @Get()
  read(@Res({ passthrough: true }) res: Response): never {
    res.set({ Upgrade: 'websocket', Connection: 'Upgrade' });
    throw new LienThongError('upgrade_required');
  }
}
