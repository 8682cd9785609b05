import { LienThongError, type Page, type System } from '@lienthong/contracts';
import { Administrator, KeyRing } from '@lienthong/identity';
import { EventStreamStore, SystemStore } from '@lienthong/persistence';
import { answer, pageAnswer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { pageOf, positionOf } from '../edge/page';
import { codePipe, slugPipe } from '../edge/path-pipes';
import { ListSystemsDto, NewSystemDto, SystemChangeDto } from './manage-systems.dto';

@ApiTags('administration')
@Step('manage-systems')
@Administrator()
@Controller('v1/admin/systems')
export class ManageSystemsController {
  constructor(
    private readonly systems: SystemStore,
    private readonly events: EventStreamStore,
    private readonly ring: KeyRing,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Register a system of an agency' })
  @ApiCreatedResponse(answer('System', 'The system'))
  @Problems('already_exists', 'unknown_reference')
  create(@Body() body: NewSystemDto): Promise<System> {
    return this.systems.create(body);
  }

  @Get()
  @ApiOperation({ summary: 'Systems in the order of their ids' })
  @ApiOkResponse(pageAnswer('System', 'A page of systems'))
  list(@Query() { limit, cursor, agency }: ListSystemsDto): Promise<Page<System>> {
    const after = positionOf(cursor);
    return pageOf(
      limit,
      (count) => this.systems.list({ agency, after, limit: count }),
      ({ id }) => id,
    );
  }

  @Get(':code/:slug')
  @ApiOperation({ summary: 'One system, by either form of its agency’s code' })
  @ApiOkResponse(answer('System', 'The system'))
  @Problems('not_found')
  async read(@Param('code', codePipe) code: string, @Param('slug', slugPipe) slug: string): Promise<System> {
    const system = await this.systems.find(`${code}/${slug}`);
    if (!system) throw new LienThongError('not_found');
    return system;
  }

  @Patch(':code/:slug')
  @ApiOperation({ summary: 'Rename, change what it receives, make it the default, suspend or release it' })
  @ApiOkResponse(answer('System', 'The system'))
  @Problems('not_found')
  async change(
    @Param('code', codePipe) code: string,
    @Param('slug', slugPipe) slug: string,
    @Body() body: SystemChangeDto,
  ): Promise<System> {
    const system = await this.systems.change(
      `${code}/${slug}`,
      body,
      async (unit, { id, suspendedAt }, suspendedNow) => {
        if (suspendedNow) this.events.add(unit, [{ systemId: id, type: 'system.suspended', data: { suspendedAt } }]);
      },
    );
    this.ring.forget();
    return system;
  }
}
