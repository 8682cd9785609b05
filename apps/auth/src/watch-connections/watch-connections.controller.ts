import type { ConnectionView, Page, SystemContact } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { ConnectionStore, ContactCountStore } from '@lienthong/persistence';
import { pageAnswer, Step } from '@lienthong/runtime';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { pageOf, positionOf } from '../edge/page';
import { UUID } from '../edge/path-pipes';
import { ListConnectionsDto, ListContactsDto } from './watch-connections.dto';

@ApiTags('administration')
@Step('watch-connections')
@Administrator()
@Controller('v1/admin/connections')
export class WatchConnectionsController {
  constructor(
    private readonly connections: ConnectionStore,
    private readonly contacts: ContactCountStore,
  ) {}

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

  @Get('systems')
  @ApiOperation({ summary: 'How each system is reached: online, polls, and its webhook with the last error; by id' })
  @ApiOkResponse(pageAnswer('SystemContact', 'A page of systems'))
  systems(@Query() { limit, cursor, systemId }: ListContactsDto): Promise<Page<SystemContact>> {
    const after = positionOf(cursor);
    return pageOf(
      limit,
      (count) => this.contacts.list({ systemId, after, limit: count }),
      (contact) => contact.systemId,
    );
  }
}
