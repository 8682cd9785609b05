import type { LegacyKey, Page } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { KeyStore } from '@lienthong/persistence';
import { pageAnswer, Step } from '@lienthong/runtime';
import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';

@ApiTags('administration')
@Step('report-legacy-signatures')
@Administrator()
@Controller('v1/admin/reports')
export class ReportLegacySignaturesController {
  constructor(private readonly keys: KeyStore) {}

  @Get('legacy-signatures')
  @ApiOperation({
    summary: 'Keys that may sign with hmac-sha1, until when, and how often they did; what ends first is first',
  })
  @ApiOkResponse(pageAnswer('LegacyKey', 'All of them, 1,000 at most; there is no second page'))
  async report(): Promise<Page<LegacyKey>> {
    return { items: await this.keys.legacy(), nextCursor: null };
  }
}
