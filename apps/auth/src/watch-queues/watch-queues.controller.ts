import type { QueuesAnswer } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { Step } from '@lienthong/runtime';
import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiAdminProblems } from '../edge/problem-answers';
import { WatchQueues } from './watch-queues';
import { QueuesWatched } from './watch-queues.dto';

@ApiTags('administration')
@Step('watch-queues')
@Administrator()
@Controller('v1/admin/queues')
export class WatchQueuesController {
  constructor(private readonly watchQueues: WatchQueues) {}

  @Get()
  @ApiOperation({ summary: 'What waits: per work queue, in the outbox, and per destination' })
  @ApiOkResponse({ type: QueuesWatched })
  @ApiAdminProblems()
  read(): Promise<QueuesAnswer> {
    return this.watchQueues.read();
  }
}
