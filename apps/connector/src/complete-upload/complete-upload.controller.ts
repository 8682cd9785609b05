import type { CompleteAnswer } from '@lienthong/contracts';
import { BearerToo, CallingSystem, type SystemCaller } from '@lienthong/identity';
import { answer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, HttpCode, Param, ParseUUIDPipe, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CompleteUpload } from './complete-upload';
import { CompleteDto } from './complete-upload.dto';

@ApiTags('sending')
@Step('complete-upload')
@Controller('v1/packets/:packetId/complete')
export class CompleteUploadController {
  constructor(private readonly completeUpload: CompleteUpload) {}

  @Post()
  @BearerToo()
  @HttpCode(202)
  @ApiOperation({ summary: 'S3→S4: all parts are uploaded; the platform takes the packet over' })
  @ApiBody({ type: CompleteDto, required: false })
  @ApiAcceptedResponse(answer('CompleteAnswer', 'Durably taken over'))
  @Problems('not_found', 'wrong_state', 'content_incomplete', 'storage_full')
  complete(
    @CallingSystem() caller: SystemCaller,
    @Param('packetId', ParseUUIDPipe) packetId: string,
    @Body() body?: CompleteDto,
  ): Promise<CompleteAnswer> {
    return this.completeUpload.complete(caller.systemId, packetId, body ?? {});
  }
}
