import type { ServiceCalendarView } from '@lienthong/contracts';
import { CallingSystem, type SystemCaller } from '@lienthong/identity';
import { CalendarStore } from '@lienthong/persistence';
import { answer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ServiceCalendarDto } from './manage-calendars.dto';

/** A system says itself when it takes packets, without an administrator. */
@ApiTags('receiving')
@Step('manage-calendars')
@Controller('v1/calendar')
export class OwnCalendarController {
  constructor(private readonly calendars: CalendarStore) {}

  @Get()
  @ApiOperation({ summary: 'Service calendar of the calling system' })
  @ApiOkResponse(answer('ServiceCalendarView', 'What is set; an empty calendar where nothing is'))
  @Problems('access_denied')
  read(@CallingSystem() caller: SystemCaller): Promise<ServiceCalendarView> {
    return this.calendars.view(caller.systemId);
  }

  @Put()
  @ApiOperation({ summary: 'Set the service calendar of the calling system, in place of the former' })
  @ApiOkResponse(answer('ServiceCalendarView', 'What is set now'))
  @Problems('access_denied')
  set(@CallingSystem() caller: SystemCaller, @Body() body: ServiceCalendarDto): Promise<ServiceCalendarView> {
    return this.calendars.set(caller.systemId, { ...body });
  }
}
