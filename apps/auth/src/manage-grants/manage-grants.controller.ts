import { type Grant, LienThongError, type Page } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { GrantStore } from '@lienthong/persistence';
import { answer, pageAnswer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { pageOf, positionOf } from '../edge/page';
import { UUID, uuidPipe } from '../edge/path-pipes';
import { ListGrantsDto, NewGrantDto } from './manage-grants.dto';

@ApiTags('administration')
@Step('manage-grants')
@Administrator()
@Controller('v1/admin/grants')
export class ManageGrantsController {
  constructor(private readonly grants: GrantStore) {}

  @Post()
  @ApiOperation({ summary: 'Let one party send data types to another; nothing is allowed that nobody granted' })
  @ApiCreatedResponse(answer('Grant', 'The grant'))
  @Problems('unknown_reference')
  create(@Body() body: NewGrantDto): Promise<Grant> {
    return this.grants.create(body);
  }

  @Get()
  @ApiOperation({ summary: 'Grants, newest first' })
  @ApiOkResponse(pageAnswer('Grant', 'A page of grants'))
  @Problems('unknown_reference')
  list(@Query() { limit, cursor, from, to }: ListGrantsDto): Promise<Page<Grant>> {
    const before = positionOf(cursor, UUID);
    return pageOf(
      limit,
      (count) => this.grants.list({ from, to, before, limit: count }),
      ({ grantId }) => grantId,
    );
  }

  @Delete(':grantId')
  @HttpCode(204)
  @ApiOperation({ summary: 'Withdraw a grant; what was accepted under it is still delivered' })
  @ApiNoContentResponse()
  @Problems('not_found')
  async remove(@Param('grantId', uuidPipe) grantId: string): Promise<void> {
    if (!(await this.grants.remove(grantId))) throw new LienThongError('not_found');
  }
}
