import { type EventPage, LIMITS } from '@lienthong/contracts';
import { BearerToo, CallingSystem, type SystemCaller } from '@lienthong/identity';
import { HasForm, answer, Step } from '@lienthong/runtime';
import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import type { Response } from 'express';
import { ReadEvents } from './read-events';

/** Offsets are decimal strings on the wire; as numbers they are exact up to 2^53, at a million events a day for 24,000 years. */
const OFFSET = /^\d{1,15}$/;

class ReadEventsDto {
  @ApiPropertyOptional({
    description: 'Events after this offset; acknowledges all up to it. Default: the last acknowledged',
  })
  @IsOptional()
  @HasForm(OFFSET, 'Phải là offset của một sự kiện, chỉ gồm chữ số.', 'Must be the offset of an event, digits only.')
  after?: string;

  @ApiPropertyOptional({ minimum: 1, maximum: LIMITS.listItems, default: LIMITS.listItemsDefault })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(LIMITS.listItems)
  limit: number = LIMITS.listItemsDefault;

  @ApiPropertyOptional({
    minimum: 0,
    maximum: LIMITS.pollWaitSeconds,
    default: 0,
    description: 'Wait for the first event',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(LIMITS.pollWaitSeconds)
  waitSeconds: number = 0;
}

@ApiTags('events')
@Step('read-events')
@Controller('v1/events')
export class ReadEventsController {
  constructor(private readonly readEvents: ReadEvents) {}

  @Get()
  @BearerToo('all')
  @ApiOperation({ summary: 'Poll the stream; reading page N+1 acknowledges page N' })
  @ApiOkResponse(
    answer('EventPage', 'CloudEvents in the order of their offsets; gap when older ones are no longer kept'),
  )
  page(
    @CallingSystem() caller: SystemCaller,
    @Query() { after, limit, waitSeconds }: ReadEventsDto,
    @Res({ passthrough: true }) res: Response,
  ): Promise<EventPage> {
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    return this.readEvents.page(caller.systemId, {
      after: after === undefined ? undefined : Number(after),
      limit,
      waitSeconds,
      gone: gone.signal,
    });
  }
}
