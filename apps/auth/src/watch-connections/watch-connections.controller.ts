import type { ConnectionView, Page } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { ConnectionStore } from '@lienthong/persistence';
import { pageAnswer, Step } from '@lienthong/runtime';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { pageOf, positionOf } from '../edge/page';
import { UUID } from '../edge/path-pipes';
import { ListConnectionsDto } from './watch-connections.dto';

@ApiTags('administration')
@Step('watch-connections')
@Administrator()
@Controller('v1/admin/connections')
export class WatchConnectionsController {
  constructor(private readonly connections: ConnectionStore) {}

  @Get()
  @ApiOperation({ summary: 'Who connected when, from where and for how long; newest first' })
  @ApiOkResponse(pageAnswer('ConnectionView', 'A page of connections'))
  list(@Query() { limit, cursor, systemId, open }: ListConnectionsDto): Promise<Page<ConnectionView>> {
    const before = positionOf(cursor, UUID);
    return pageOf(
      limit,
      (count) => this.connections.list({ systemId, open: open === 'true', before, limit: count }),
      ({ connectionId }) => connectionId,
    );
  }
}
