import { type Replay, TASK_KINDS, type TaskKind } from '@lienthong/contracts';
import { IsTime } from '@lienthong/runtime';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsIn, IsUUID } from 'class-validator';
import { PageDto } from '../edge/page';
import { MayBeAbsent } from '../edge/registry-rules';

const AT_ONCE = 1000;

export class ListDeadTasksDto extends PageDto {
  @ApiPropertyOptional({ enum: TASK_KINDS })
  @MayBeAbsent()
  @IsIn(TASK_KINDS)
  kind?: TaskKind;

  @ApiPropertyOptional({ format: 'uuid' })
  @MayBeAbsent()
  @IsUUID()
  packetId?: string;
}

export class ReplayDto implements Replay {
  @ApiPropertyOptional({ type: [String], description: 'Only these; without any filter, all', maxItems: AT_ONCE })
  @MayBeAbsent()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(AT_ONCE)
  @IsUUID(undefined, { each: true })
  taskIds?: string[];

  @ApiPropertyOptional({ enum: TASK_KINDS })
  @MayBeAbsent()
  @IsIn(TASK_KINDS)
  kind?: TaskKind;

  @ApiPropertyOptional({ format: 'uuid' })
  @MayBeAbsent()
  @IsUUID()
  packetId?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Died before this moment' })
  @MayBeAbsent()
  @IsTime()
  until?: string;
}
