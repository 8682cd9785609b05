import { type Agency, LienThongError, type Page } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { AgencyStore } from '@lienthong/persistence';
import { answer, pageAnswer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { PageDto, pageOf, positionOf } from '../edge/page';
import { codePipe } from '../edge/path-pipes';
import { AgencyChangeDto, NewAgencyDto } from './manage-agencies.dto';

@ApiTags('administration')
@Step('manage-agencies')
@Administrator()
@Controller('v1/admin/agencies')
export class ManageAgenciesController {
  constructor(private readonly agencies: AgencyStore) {}

  @Post()
  @ApiOperation({ summary: 'Register an agency' })
  @ApiCreatedResponse(answer('Agency', 'The agency'))
  @Problems('already_exists', 'unknown_reference')
  create(@Body() body: NewAgencyDto): Promise<Agency> {
    return this.agencies.create(body);
  }

  @Get()
  @ApiOperation({ summary: 'Agencies in the order of their codes' })
  @ApiOkResponse(pageAnswer('Agency', 'A page of agencies'))
  list(@Query() { limit, cursor }: PageDto): Promise<Page<Agency>> {
    const after = positionOf(cursor);
    return pageOf(
      limit,
      (count) => this.agencies.list({ after, limit: count }),
      ({ code }) => code,
    );
  }

  @Get(':code')
  @ApiOperation({ summary: 'One agency, by either form of its code' })
  @ApiOkResponse(answer('Agency', 'The agency'))
  @Problems('not_found')
  async read(@Param('code', codePipe) code: string): Promise<Agency> {
    const agency = await this.agencies.find(code);
    if (!agency) throw new LienThongError('not_found');
    return agency;
  }

  @Patch(':code')
  @ApiOperation({ summary: 'Rename, merge into a successor, dissolve; what is left out stays' })
  @ApiOkResponse(answer('Agency', 'The agency'))
  @Problems('not_found', 'already_exists', 'unknown_reference')
  change(@Param('code', codePipe) code: string, @Body() body: AgencyChangeDto): Promise<Agency> {
    return this.agencies.change(code, body);
  }
}
