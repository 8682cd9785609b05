import type { StatusAnswer } from '@lienthong/contracts';
import { BearerToo, CallingSystem, type SystemCaller } from '@lienthong/identity';
import { answer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, HttpCode, Param, ParseUUIDPipe, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ReportStatus } from './report-status';
import { StatusDto } from './report-status.dto';

@ApiTags('receiving')
@Step('report-status')
@Controller('v1/packets/:packetId/statuses')
export class ReportStatusController {
  constructor(private readonly reportStatus: ReportStatus) {}

  @Post()
  @BearerToo()
  @HttpCode(201)
  @ApiOperation({ summary: 'Business status, by a destination that has accepted' })
  @ApiCreatedResponse(answer('StatusAnswer', 'Appended to the history; the source gets packet.status'))
  @Problems('not_found', 'wrong_state')
  report(
    @CallingSystem() caller: SystemCaller,
    @Param('packetId', ParseUUIDPipe) packetId: string,
    @Body() body: StatusDto,
  ): Promise<StatusAnswer> {
    return this.reportStatus.report(caller.systemId, packetId, body);
  }
}
