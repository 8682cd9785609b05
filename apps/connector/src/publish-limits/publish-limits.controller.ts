import { LIMITS, type Limits } from '@lienthong/contracts';
import { Public } from '@lienthong/identity';
import { answer, Step } from '@lienthong/runtime';
import { ConnectorOptions } from '../connector.config';
import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';

@ApiTags('documentation')
@Public()
@Step('publish-limits')
@Controller('v1/limits')
export class PublishLimitsController {
  constructor(private readonly options: ConnectorOptions) {}

  @Get()
  @ApiOperation({ summary: 'Every limit of the wire' })
  @ApiOkResponse(answer('Limits', 'Bytes, seconds and counts by name'))
  limits(): Limits {
    const { deliverBySeconds, deliverBySecondsMax } = this.options.policy;
    return { ...LIMITS, deliverBySecondsDefault: deliverBySeconds, deliverBySecondsMax } as Limits;
  }
}
