import type { DeadTask, Page, Replayed } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { DeadTaskStore } from '@lienthong/persistence';
import { answer, pageAnswer, Step } from '@lienthong/runtime';
import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { pageOf, positionOf } from '../edge/page';
import { UUID } from '../edge/path-pipes';
import { ListDeadTasksDto, ReplayDto } from './replay-dead-tasks.dto';

@ApiTags('administration')
@Step('replay-dead-tasks')
@Administrator()
@Controller('v1/admin/dead-tasks')
export class ReplayDeadTasksController {
  constructor(private readonly deadTasks: DeadTaskStore) {}

  @Get()
  @ApiOperation({ summary: 'Tasks that are not tried again by themselves, and why; newest first' })
  @ApiOkResponse(pageAnswer('DeadTask', 'A page of dead tasks'))
  list(@Query() { limit, cursor, kind, packetId }: ListDeadTasksDto): Promise<Page<DeadTask>> {
    const before = positionOf(cursor, UUID);
    return pageOf(
      limit,
      (count) => this.deadTasks.list({ kind, packetId, before, limit: count }),
      ({ taskId }) => taskId,
    );
  }

  @Post('replays')
  @HttpCode(200)
  @ApiBody({ type: ReplayDto, required: false })
  @ApiOperation({ summary: 'Try dead tasks again: those named, or all that fit; 1,000 at most at once' })
  @ApiOkResponse(answer('Replayed', 'How many will be tried again'))
  async replay(@Body() body: ReplayDto): Promise<Replayed> {
    return { replayed: await this.deadTasks.replay(body) };
  }
}
