import type { QueuesAnswer } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { answer, Step } from '@lienthong/runtime';
import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { WatchQueues } from './watch-queues';

@ApiTags('administration')
@Step('watch-queues')
@Administrator()
@Controller('v1/admin/queues')
export class WatchQueuesController {
  constructor(private readonly watchQueues: WatchQueues) {}

  @Get()
  @ApiOperation({ summary: 'What waits: per work queue, in the outbox, and per destination' })
  @ApiOkResponse(
    answer('QueuesAnswer', 'Work queues, outbox and the 500 destinations with the oldest delivery at most'),
  )
  read(): Promise<QueuesAnswer> {
    return this.watchQueues.read();
  }
}
