import { LienThongError, type ServiceCalendarView } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { CalendarStore, SystemStore } from '@lienthong/persistence';
import { answer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { codePipe, slugPipe } from '../edge/path-pipes';
import { ServiceCalendarDto } from './manage-calendars.dto';

/** When a destination takes packets: what reminds it, and what tries again after a retryable rejection, waits for it. */
@ApiTags('administration')
@Step('manage-calendars')
@Administrator()
@Controller('v1/admin/systems')
export class ManageCalendarsController {
  constructor(
    private readonly calendars: CalendarStore,
    private readonly systems: SystemStore,
  ) {}

  @Get(':code/:slug/calendar')
  @ApiOperation({ summary: 'Service calendar of a system' })
  @ApiOkResponse(answer('ServiceCalendarView', 'What is set; an empty calendar where nothing is'))
  @Problems('not_found')
  async read(
    @Param('code', codePipe) code: string,
    @Param('slug', slugPipe) slug: string,
  ): Promise<ServiceCalendarView> {
    return this.calendars.view(await this.idOf(code, slug));
  }

  @Put(':code/:slug/calendar')
  @ApiOperation({ summary: 'Set the service calendar of a system, in place of the former' })
  @ApiOkResponse(answer('ServiceCalendarView', 'What is set now'))
  @Problems('not_found')
  async set(
    @Param('code', codePipe) code: string,
    @Param('slug', slugPipe) slug: string,
    @Body() body: ServiceCalendarDto,
  ): Promise<ServiceCalendarView> {
    return this.calendars.set(await this.idOf(code, slug), { ...body });
  }

  private async idOf(code: string, slug: string): Promise<string> {
    const system = await this.systems.find(`${code}/${slug}`);
    if (!system) throw new LienThongError('not_found');
    return system.id;
  }
}
