import { LIMITS, PACKET_STATES } from '@lienthong/contracts';
import { IsTime } from '@lienthong/runtime';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { PageDto } from '../page.dto';

export class ListStuckDto {
  @ApiPropertyOptional({ minimum: 1, maximum: LIMITS.listItems, default: LIMITS.listItemsDefault })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(LIMITS.listItems)
  limit: number = LIMITS.listItemsDefault;
}

export class ListPacketsDto extends PageDto {
  @ApiPropertyOptional({ description: `Exact states, separated by commas: ${PACKET_STATES.join(', ')}` })
  @IsOptional()
  @IsString()
  state?: string;

  @ApiPropertyOptional({ description: 'An address as it was sent to, or the system it was routed to' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  to?: string;

  @ApiPropertyOptional({ format: 'date-time' })
  @IsOptional()
  @IsTime()
  since?: string;

  @ApiPropertyOptional({ format: 'date-time' })
  @IsOptional()
  @IsTime()
  until?: string;

  @ApiPropertyOptional({ description: 'Words of the title' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  q?: string;
}
