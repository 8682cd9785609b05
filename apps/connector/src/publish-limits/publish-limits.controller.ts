import { LIMITS, type Limits } from '@lienthong/contracts';
import { Public } from '@lienthong/identity';
import { answer, Step } from '@lienthong/runtime';
import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';

@ApiTags('documentation')
@Public()
@Step('publish-limits')
@Controller('v1/limits')
export class PublishLimitsController {
  @Get()
  @ApiOperation({ summary: 'Every limit of the wire' })
  @ApiOkResponse(answer('Limits', 'Bytes, seconds and counts by name'))
  limits(): Limits {
    return LIMITS;
  }
}
